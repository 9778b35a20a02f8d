"""The kinds of programs that are generated. Their order is part of what a seed gives."""

from assay.bench.agent.families.build import BUILD
from assay.bench.agent.families.calendar import CALENDAR
from assay.bench.agent.families.map import MAP
from assay.bench.agent.families.shop import SHOP
from assay.bench.agent.families.text import TEXT
from assay.bench.agent.family import Family

FAMILIES: tuple[Family, ...] = (SHOP, CALENDAR, BUILD, TEXT, MAP)
