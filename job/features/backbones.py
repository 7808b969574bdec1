"""The registry of backbones: their names in Keras, input, output and preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from job.errors import InvalidValueError

Preprocessing = Literal["tf", "caffe", "torch", "none"]


@dataclass(frozen=True)
class Backbone:
    """A network of keras.applications, without its top and pooled to `dimension` features.

    `application` is its name in keras.applications, `input_size` (height, width) in pixels,
    `preprocessing` the mode of keras.applications.imagenet_utils.preprocess_input ("none": the
    network takes 0 to 255 itself). `imagenet_rescaling` adds the layer without tensors that Keras
    adds when it loads the official weights itself.
    """

    name: str
    application: str
    dimension: int
    preprocessing: Preprocessing
    input_size: tuple[int, int] = (224, 224)
    pooling: Literal["avg", "max"] = "avg"
    imagenet_rescaling: bool = False


BACKBONES = {
    entry.name: entry
    for entry in [
        Backbone("mobilenet_v2", "MobileNetV2", dimension=1280, preprocessing="tf"),
        Backbone("vgg16", "VGG16", dimension=512, preprocessing="caffe"),
        Backbone("xception", "Xception", dimension=2048, preprocessing="tf", input_size=(299, 299)),
        Backbone(
            "efficientnet_b0",
            "EfficientNetB0",
            dimension=1280,
            preprocessing="none",
            imagenet_rescaling=True,
        ),
    ]
}


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises InvalidValueError for an unknown name."""
    if name not in BACKBONES:
        raise InvalidValueError(
            f"--backbone is {name!r}",
            expected=" | ".join(sorted(BACKBONES)),
            fix="set --backbone to one of them",
        )
    return BACKBONES[name]
