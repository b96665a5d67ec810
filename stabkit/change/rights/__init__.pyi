from .containers import container_rights as container_rights
from .pipelines import pipeline_rights as pipeline_rights
from .right import Right as Right
from .workflows import workflow_rights as workflow_rights
