from .containers import GRANTS as GRANTS, container_rights as container_rights
from .pipelines import pipeline_rights as pipeline_rights
from .right import Right as Right
from .workflows import DEFAULT as DEFAULT, workflow_rights as workflow_rights
