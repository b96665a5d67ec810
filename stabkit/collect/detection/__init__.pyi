from .project import Detected as Detected, detect_project as detect_project
