"""The registry of networks: what each takes, gives, and how it is built; itself no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from job.errors import InvalidValueError

if TYPE_CHECKING:
    import keras

Preprocessing = Literal["tf", "caffe", "torch", "none"]


@dataclass(frozen=True)
class Backbone:
    """A network of keras.applications, without its top and pooled to `dimension` features.

    `application` is its name in keras.applications, `input_size` (height, width) in pixels,
    `preprocessing` the mode of keras.applications.imagenet_utils.preprocess_input ("none": the
    network takes 0 to 255 itself).
    """

    name: str
    application: str
    dimension: int
    preprocessing: Preprocessing
    input_size: tuple[int, int] = (224, 224)
    pooling: Literal["avg", "max"] = "avg"

    def build(self) -> keras.Model:
        """The network with random weights: nothing is ever downloaded."""
        from job.features.tensorflow_import import tensorflow

        tensorflow()
        import keras

        return getattr(keras.applications, self.application)(
            include_top=False,
            weights=None,
            pooling=self.pooling,
            input_shape=(*self.input_size, 3),
        )


BACKBONES = {
    entry.name: entry
    for entry in [
        Backbone("mobilenet_v2", "MobileNetV2", dimension=1280, preprocessing="tf"),
    ]
}


def backbone(name: str) -> Backbone:
    """The backbone of that name; InvalidValueError if there is none."""
    if name not in BACKBONES:
        raise InvalidValueError(
            f"--backbone is {name!r}",
            expected=" | ".join(sorted(BACKBONES)),
            fix="set --backbone to one of them",
        )
    return BACKBONES[name]
