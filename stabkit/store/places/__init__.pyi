from .bucket import Bucket as Bucket
from .local import Folder as Folder
from .place import DataFile as DataFile, Place as Place, changed as changed, in_bucket as in_bucket, missing as missing
from .place import quote as quote
