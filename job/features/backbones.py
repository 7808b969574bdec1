"""The registry of networks: input, output and how to build them; importable without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from job.errors import InvalidValueError

if TYPE_CHECKING:
    import keras

Preprocessing = Literal["tf", "caffe", "torch", "none"]


# Standard deviations of red, green and blue; values are from 0 to 1.
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """A network of keras.applications, without its top and pooled to `dimension` features.

    `application` is its name in keras.applications, `input_size` (height, width) in pixels,
    `preprocessing` the mode of keras.applications.imagenet_utils.preprocess_input ("none": the
    network takes 0 to 255 itself). `imagenet_rescaling` adds the layer without tensors that Keras
    adds when it loads the official weights itself. `float32_until` is the layer up to which bf16
    computes in float32, because rounding there costs the most accuracy; all later layers must
    depend on this layer alone.
    """

    name: str
    application: str
    dimension: int
    preprocessing: Preprocessing
    input_size: tuple[int, int] = (224, 224)
    pooling: Literal["avg", "max"] = "avg"
    imagenet_rescaling: bool = False
    float32_until: str | None = None

    def build(self) -> keras.Model:
        """The network with random weights; downloads nothing."""
        from job.features.tensorflow_import import keras

        model = getattr(keras().applications, self.application)(
            include_top=False,
            weights=None,
            pooling=self.pooling,
            input_shape=(*self.input_size, 3),
        )
        if self.imagenet_rescaling:
            _rescale_as_imagenet(model)
        return model


BACKBONES = {
    entry.name: entry
    for entry in [
        Backbone(
            "mobilenet_v2",
            "MobileNetV2",
            dimension=1280,
            preprocessing="tf",
            float32_until="block_1_project_BN",
        ),
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


def _rescale_as_imagenet(model: keras.Model) -> None:
    """Replace the Rescaling layer that Keras adds after the Normalization with official weights.

    The official files hold the standard deviations of ImageNet as variances (tensorflow issue
    49930): dividing by their square root once more corrects it.
    """
    import keras

    (normalization,) = (x for x in model.layers if isinstance(x, keras.layers.Normalization))
    normalize = normalization.call
    scale = [1 / deviation**0.5 for deviation in _IMAGENET_DEVIATIONS]
    normalization.call = lambda inputs: normalize(inputs) * scale


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises InvalidValueError for an unknown name."""
    if name not in BACKBONES:
        raise InvalidValueError(
            f"--backbone is {name!r}",
            expected=" | ".join(sorted(BACKBONES)),
            fix="set --backbone to one of them",
        )
    return BACKBONES[name]
