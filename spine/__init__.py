"""Spine runs a workflow's steps and checkpoints each, so that a run goes on from the step it died at."""

__version__ = "0.1.0"
