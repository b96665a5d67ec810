from .bucket import Bucket
from .local import Folder
from .place import DataFile, Place, changed, in_bucket, missing, quote

__all__ = ["Bucket", "DataFile", "Folder", "Place", "changed", "in_bucket", "missing", "quote"]
