"""All kinds of storms."""

from tests.storm.crowds import CROWDS
from tests.storm.cuts import CUTS
from tests.storm.kills import KILLS
from tests.storm.purges import PURGES
from tests.storm.races import RACES
from tests.storm.restarts import RESTARTS
from tests.storm.signals import SIGNALS
from tests.storm.zombies import ZOMBIES

KINDS = (KILLS, SIGNALS, ZOMBIES, RACES, PURGES, CROWDS, CUTS, RESTARTS)
