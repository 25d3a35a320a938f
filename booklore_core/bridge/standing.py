"""What `booklore status`, which loads no plugin, tells of the targets before their next sync."""

from booklore_core.core import Core


def note_targets(core: Core) -> None:
    """Keeps what each enabled target says of its remote, as it is set up now. Asks no remote."""
    faults = core.settings.faults()
    runs = core.database.table("runs")
    for name, target in core.targets.items():
        wrong = [fault.text for fault in faults if fault.name.startswith(f"{target.plugin}.")]
        known, about = runs.find_one(target=name), "; ".join([target.about or "set up", *wrong])
        known = known or {"about": None, "ended_at": 0.0}
        if known["about"] != about:
            runs.upsert({"target": name, "about": about, "ended_at": known["ended_at"]}, ["target"])
