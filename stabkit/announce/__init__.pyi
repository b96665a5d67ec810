from .announcement import Announcement as Announcement
from .delivery import announce as announce
from .jobs import job_address as job_address
from .places import Place as Place, parse_place as parse_place
