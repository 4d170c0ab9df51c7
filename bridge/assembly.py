"""From settings to a core: what the engine needs to know of the configuration, and of a model file."""

from collections.abc import Callable, Iterator

from msgspec import structs

from bridge.config import ModelSettings, RuleSettings, Settings
from bridge.engine import Engine, Options
from bridge.model import Model
from bridge.model import load as load_model
from bridge.space import Limits
from bridge.subscriptions import SubscriptionLimits
from bridge.uns import Message, Rejected
from bridge.uns.policy import Rule


def engine_options(settings: Settings) -> Options:
    """What the core needs to know of the settings."""
    model, limits, subscriptions = settings.model, settings.limits, settings.subscriptions
    return Options(
        levels=model.levels,
        namespace=model.namespace,
        aspects=model.aspects,
        discovery_window=model.discovery_window,
        widen_after=model.widen_after,
        zone=model.time_zone,
        future_tolerance=model.future_tolerance,
        stale_after=model.stale_after,
        broker_grace=model.broker_grace,
        on_death=model.on_death,
        deletion=model.deletion,
        expire_after=model.expire_after,
        guess_units=model.guess_units,
        max_payload=limits.payload,
        rules=(*_general_rules(model), *map(rule_of, settings.rule)),
        limits=Limits(**limits.model_dump(exclude={"payload"})),
        subscriptions=SubscriptionLimits(**subscriptions.model_dump()),
    )


def _general_rules(model: ModelSettings) -> Iterator[Rule]:
    """What [model] says about topics; it comes first, so that a `[[rule]]` may say otherwise."""
    if model.separators:
        yield Rule(("#",), {"separators": model.separators})
    if model.commands:
        yield Rule(model.commands, {"use": "command"})


def rule_of(settings: RuleSettings) -> Rule:
    """A rule as the core takes it: the keys are those of `Policy`."""
    return Rule(settings.topics, settings.said())


def model_of(settings: Settings) -> Model | None:
    """The model file that the settings name. Raises `ConfigError`."""
    return load_model(settings.model.file) if settings.model.file is not None else None


def new_engine(
    settings: Settings, model: Model | None, on_rejected: Callable[[Message, Rejected], None]
) -> tuple[Engine, Options]:
    """An empty engine, and what it goes by: what a model file says wins; its levels count where none are configured."""
    options = engine_options(settings)
    if model is None:
        return Engine(options, on_rejected), options
    rules = (*options.rules, *model.rules())
    options = structs.replace(options, rules=rules, levels=options.levels or model.levels)
    engine = Engine(options, on_rejected)
    model.pin(engine.space)
    return engine, options
