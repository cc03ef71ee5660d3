"""SCAN: learn what is alike, then clusters of it, then from the clusters that are sure.

Source: W. Van Gansbeke et al., "SCAN: Learning to Classify Images without Labels" (ECCV 2020).  Three stages,
each a method of its own: a pretext task (any of other methods), `scan_cluster`, `scan_selflabel`; what they
differ in from the published code stands there.  `faithful=true` also asks the pretext for its published
behaviour.

`stages=cluster` (or any of them, in order) runs some stages alone, on the encoder of `--init`.
"""

from __future__ import annotations

from typing import Any

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.choices import parse_options
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method, Stage
from augnet_cli.training.methods.scan_cluster import ScanCluster
from augnet_cli.training.methods.scan_config import CLUSTER, PRETEXT, SELFLABEL, ScanConfig
from augnet_cli.training.methods.scan_selflabel import ScanSelfLabel

# Of the time: the published recipes for CIFAR-10 see 50, 5 and 20 million views.
SHARES = {PRETEXT: 0.6, CLUSTER: 0.2, SELFLABEL: 0.2}


class Scan(ScanCluster):
    """The stages in order; by itself it is the clustering, on whatever encoder it is given."""

    @classmethod
    def stages(cls, config: ScanConfig) -> tuple[Stage, ...]:
        return tuple(_stage(name, config) for name in config.wanted)

    @classmethod
    def head(cls, config: ScanConfig) -> str:
        if PRETEXT not in config.wanted:
            return super().head(config)
        kind, own = _pretext(config)
        return kind.head(own)

    @classmethod
    def keeps_clusters(cls, config: ScanConfig) -> bool:
        return PRETEXT not in config.wanted

    @classmethod
    def takes_head(cls, config: ScanConfig, head: str) -> bool:
        return not config.faithful or PRETEXT not in config.wanted or head == cls.head(config)


def _stage(name: str, config: ScanConfig) -> Stage:
    kind: type[Method] = {CLUSTER: ScanCluster, SELFLABEL: ScanSelfLabel}.get(name, Method)
    own: Any = config
    if name == PRETEXT:
        kind, own = _pretext(config)
    epochs, images = config.of_stage(name, "epochs"), config.of_stage(name, "images")
    return Stage(
        name,
        kind,
        own,
        SHARES[name],
        epochs=None if epochs is None else int(epochs),
        lr=config.of_stage(name, "lr"),
        images_per_step=None if images is None else int(images),
    )


def _pretext(config: ScanConfig) -> tuple[type[Method], Any]:
    """The method that comes first, and its settings.

    Raises:
        UsageError: there is none of that name, it has stages itself, or its settings can't be had.
    """
    kind = method_class(config.pretext)
    options = {}
    for setting in filter(None, config.pretext_set.split(",")):
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(
                f"pretext_set wants name=value, not {shown(setting)}", "--set pretext_set=temperature=0.2"
            )
        options[name] = value
    if config.faithful and "faithful" in kind.Config.__dataclass_fields__:
        options.setdefault("faithful", "true")
    own = parse_options(kind.Config, options)
    if issubclass(kind, Scan) or kind.stages(own):
        raise UsageError(
            f"{shown(config.pretext)} can't be a pretext: it has stages itself", "--set pretext=simclr"
        )
    return kind, own
