"""Everything a user of Spine imports."""

from spine.codec.secret import Secret
from spine.errors import (
    CheckpointNotFound,
    CheckpointsDeleted,
    DefinitionChanged,
    InvalidInput,
    InvalidName,
    InvalidParams,
    InvalidSetting,
    InvalidWorkflow,
    LeaseLost,
    NotCrashed,
    NotFound,
    NotResumable,
    NotStorable,
    PipelineNotFound,
    Refused,
    RunAlreadyCompleted,
    RunExists,
    RunExpired,
    RunFailed,
    RunIsHeld,
    RunNotFound,
    SchemaMissing,
    SchemaOutdated,
    SchemaTooNew,
    SecretNotFound,
    SnapshotCorrupt,
    SnapshotTooNew,
    SpineError,
    StepNotFound,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnavailable,
    StoreWentBack,
    WorkflowNotFound,
)
from spine.hooks.hook import Hook
from spine.orchestration.checkpointing import CheckpointStrategy
from spine.orchestration.preview import ResumePreview
from spine.orchestration.recovery import Recovered
from spine.orchestration.registry import Registry, pipeline
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import Checkpoint, CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.event import Event, EventKind
from spine.records.finding import Finding, Verdict
from spine.records.lease import Lease
from spine.records.override import Override
from spine.records.quality import QualityMetrics
from spine.records.resume_point import ResumePoint
from spine.records.run import (
    ClaimableRun,
    DamagedRun,
    Definition,
    Removal,
    Run,
    RunList,
    RunStatus,
    RunSummary,
    StepDefinition,
)
from spine.retention import Purged
from spine.steps.context import StepContext
from spine.steps.result import ErrorCategory, Outcome, StepResult
from spine.steps.step import Step

__all__ = [
    "Checkpoint",
    "CheckpointNotFound",
    "CheckpointStrategy",
    "CheckpointSummary",
    "CheckpointsDeleted",
    "ClaimableRun",
    "DamagedRun",
    "Definition",
    "DefinitionChanged",
    "ErrorCategory",
    "Event",
    "EventKind",
    "Finding",
    "Hook",
    "InvalidInput",
    "InvalidName",
    "InvalidParams",
    "InvalidSetting",
    "InvalidWorkflow",
    "Lease",
    "LeaseLost",
    "NotCrashed",
    "NotFound",
    "NotResumable",
    "NotStorable",
    "Outcome",
    "Override",
    "PipelineNotFound",
    "Purged",
    "QualityMetrics",
    "Recovered",
    "Refused",
    "Registry",
    "Removal",
    "ResumePoint",
    "ResumePreview",
    "Run",
    "RunAlreadyCompleted",
    "RunExists",
    "RunExpired",
    "RunFailed",
    "RunIsHeld",
    "RunList",
    "RunNotFound",
    "RunStatus",
    "RunSummary",
    "SchemaMissing",
    "SchemaOutdated",
    "SchemaTooNew",
    "Secret",
    "SecretNotFound",
    "SnapshotCorrupt",
    "SnapshotTooNew",
    "SpineError",
    "Step",
    "StepContext",
    "StepDefinition",
    "StepNotFound",
    "StepResult",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StoreWentBack",
    "Verdict",
    "Workflow",
    "WorkflowContext",
    "WorkflowNotFound",
    "WorkflowResult",
    "WorkflowRunner",
    "pipeline",
]
