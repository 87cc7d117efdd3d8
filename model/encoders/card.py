"""The model card: what a person must know before using an encoder."""

import math
from collections.abc import Mapping

from tcae.model.encoders.facts import RATIO, TCAE, UNKNOWN, EncoderFacts
from tcae.model.encoders.papers import MEANINGS, PAPERS, Paper
from tcae.model.recipe import FACE_PX

IMPORTED = "tcae import-released"
"""What an imported network has for ``data["source"]``."""

_LIMITS = """\
- An embedding is no list of action units: a linear probe or a nearest-neighbour search has to be laid over it.
- It follows the faces it was learned from. Other crops, other cameras, children, occlusion, large yaw and people
  unlike those in the training set may be embedded worse; measure it on your own faces.
- Facial movement is not emotion, intent or health. Do not judge people by it.
"""

_SWAPPED = """\
**Warning: the branches seem to have changed roles.** On val pairs the pose displacement is shorter than the AU
displacement, while heads move farther than features do: `au` may hold pose, and `pose` facial actions. Compare both
in a probe before you rely on either.
"""


def card(facts: EncoderFacts) -> str:
    """The model card of an export, as Markdown."""
    parts = [_head(facts), _use(facts), _faces(facts), _training(facts)]
    if facts.method == TCAE:
        parts.append(_roles(facts))
    return "\n".join([*parts, _licence(facts), _limits(facts)])


def _head(facts: EncoderFacts) -> str:
    size = facts.network.size
    paper = PAPERS.get(facts.method, Paper(f"the method {facts.method}", "as its page says"))
    return f"""\
# {facts.run}: a facial-action encoder

{_embeddings(facts.network.widths)}
It is the encoder of {paper.encoder_of}, learned {paper.learned}.

| | |
| --- | --- |
| method | {facts.method} |
| recipe | {facts.recipe} |
| step | {facts.step:,} ({facts.checkpoint}) |
| input | {size}x{size} px |
| parameters | {facts.num_parameters:,} |
| written by | tcae {facts.tcae} |
"""


def _embeddings(widths: Mapping[str, int]) -> str:
    lines = ["| embedding of each face | float32 components | holds |", "| --- | --- | --- |"]
    return (
        "\n".join(lines + [f"| `{name}` | {width} | {MEANINGS.get(name, '')} |" for name, width in widths.items()])
        + "\n"
    )


def _use(facts: EncoderFacts) -> str:
    names = list(facts.network.widths)
    return f"""\
## Load it

```python
import tcae

encoder = tcae.load_encoder("PATH/TO/THIS/FOLDER")
embeddings = encoder.embed(faces)
{", ".join(names)} = {", ".join(f"embeddings.{name}" for name in names)}
```

`faces` is a uint8 array or tensor (N, S, S, 3), RGB, of any side S. Each embedding is an array, a row for each face.
"""


def _faces(facts: EncoderFacts) -> str:
    share = facts.view.centre_px / FACE_PX
    if facts.template == UNKNOWN:
        template = (
            "It is not known to which template the faces of its training were aligned, and embeddings depend on it: "
            "try `tcae-prep align --template tcae` and `arcface`, and keep what a probe likes better."
        )
    else:
        margin = facts.data.get("margin")
        extra = f" --margin {margin}" if margin not in (None, "0", "0.0", UNKNOWN) else ""
        template = f"Align them as in training: `tcae-prep align --template {facts.template}{extra}`."
    return f"""\
## The faces it needs

{template}
Give the whole aligned face as it was cropped, not normalised: the middle {share:.1%} of its side is cut out and resized
inside.
"""


def _training(facts: EncoderFacts) -> str:
    rows = {name.replace("_", " "): _shown(value) for name, value in facts.data.items()}
    data = _table("training faces", rows) if rows else "Nothing is known of its training faces.\n"
    metrics = {name: f"{value:.6g}" for name, value in facts.metrics.items()}
    measured = _table("on val pairs", metrics) if metrics else "It has not been measured on val pairs.\n"
    return f"## Training\n\n{data}\n{measured}"


def _shown(value: str | int) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _table(title: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {title} | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())]
    return "\n".join(lines) + "\n"


def _roles(facts: EncoderFacts) -> str:
    """What the ratio of the displacements says; by design the branches differ in nothing but one penalty."""
    ratio = facts.metrics.get(RATIO, math.nan)
    if math.isnan(ratio):
        said = "It has not been measured which displacement is the longer one; `tcae analyse` does it for a run.\n"
    else:
        said = f"The mean pose displacement is {ratio:.2f} times as long as the mean AU displacement (paper: 5.5).\n"
        said += f"\n{_SWAPPED}" if ratio < 1 else ""
    return f"## Which branch moves what\n\n{said}"


def _licence(facts: EncoderFacts) -> str:
    if facts.data.get("source") == IMPORTED:
        note = (
            "The weights come from a checkpoint of the published code, which carries no licence: ask its authors first."
        )
    else:
        note = "The code that made these weights is under Apache-2.0."
    return f"""\
## Licence

{note}
What may be done with the weights also depends on the terms of the videos they were learned from; look these up before
you pass them on.
"""


def _limits(facts: EncoderFacts) -> str:
    return f"## Limits\n\n{_LIMITS}\nSHA-256 of `encoder.safetensors`: `{facts.sha256}`\n"
