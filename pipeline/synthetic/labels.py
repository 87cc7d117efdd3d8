"""The labels of rendered clips: one row per source frame.

Columns: ``identity``, ``video``, ``clip``, ``source_frame`` (from 0), ``pts_seconds``; ``AU01`` ... intensities in 0-1,
present above ``actions.PRESENT_ABOVE``; ``arkit_<name>`` weights in 0-1; ``yaw_degrees`` (positive turns the face to
the picture's right), ``pitch_degrees`` (positive looks up), ``roll_degrees`` (positive turns clockwise); ``mixture``,
its name or null.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from tcae.pipeline.synthetic.actions import AU_NAMES, intensities
from tcae.pipeline.synthetic.clips import DemoClip, DemoConfig, clip_motion, list_clips
from tcae.pipeline.synthetic.motion import FPS
from tcae.pipeline.synthetic.pack import HeadPack


def label_clips(config: DemoConfig, pack: HeadPack) -> pa.Table:
    """The labels of every source frame, sorted by clip and frame."""
    return pa.concat_tables(_label_clip(clip, pack) for clip in list_clips(config))


def _label_clip(clip: DemoClip, pack: HeadPack) -> pa.Table:
    motion = clip_motion(clip, pack)
    frames = np.arange(len(motion.weights))
    aus = intensities(motion.weights, pack.action_names)
    columns: dict[str, Any] = {name: [value] * len(frames) for name, value in clip.key._asdict().items()}
    columns |= {"source_frame": frames, "pts_seconds": frames / FPS}
    columns |= {name: aus[:, index].astype(float) for index, name in enumerate(AU_NAMES)}
    columns |= {f"arkit_{name}": motion.weights[:, index].astype(float) for index, name in enumerate(pack.action_names)}
    angles = zip(("yaw_degrees", "pitch_degrees", "roll_degrees"), motion.angles.T.astype(float), strict=True)
    columns |= dict(angles)
    return pa.table(columns | {"mixture": pa.array(motion.mixtures, pa.string())})
