"""The report of a run: one self-contained page."""

from .curves import Chart as Chart
from .curves import Picture as Picture
from .curves import draw as draw
from .curves import read_columns as read_columns
from .page import Command as Command
from .page import Exhibit as Exhibit
from .page import Look as Look
from .page import Page as Page
from .page import Panel as Panel
from .page import filled as filled
from .page import to_page as to_page
from .page import write_report as write_report
