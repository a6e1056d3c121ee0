"""How long Spine waits for a database before it says so."""

CONNECT_SECONDS = 10
TCP_USER_SECONDS = 20
LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
ANSWER_SECONDS = 35.0  # of PostgreSQL; it has ended the statement by then
LOOK_SECONDS = 0.1  # how often a wait for an answer looks for Ctrl-C
BUSY_SECONDS = 10.0
