"""Colour changes on batches of images, each image with its own parameters.

Images are float (B, 3, S, S), RGB in [0, 1]; every function returns the same shape, clipped to [0, 1].
Formulas: HSV and HLS as in Smith (1978) and Joblove & Greenberg (1978); YCbCr luma after BT.601;
CIE Lab and Luv with the sRGB transfer curve and the D65 white point, as OpenCV defines them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EPSILON = 1e-8  # keeps divisions by a zero chroma or luminance finite; far below one grey level
LUMA = (0.299, 0.587, 0.114)  # BT.601
RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.950456, 1.0, 1.088754)  # D65
LAB_KNEE, LAB_SLOPE = 0.008856, 903.3  # where Lab's cube root turns linear, and its slope there

BRIGHTNESS_SPACES = ("YCrCb", "HSV", "HLS", "Lab", "Luv", "YUV")


def _split(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return images[:, 0], images[:, 1], images[:, 2]


def _like(values: Tensor) -> Tensor:
    """(B,) parameters shaped to meet (B, S, S) channels."""
    return values[:, None, None]


def rgb_to_hsv(images: Tensor) -> Tensor:
    """Hue in [0, 1) turns, saturation and value in [0, 1]."""
    red, green, blue = _split(images)
    value, channel = images.max(dim=1)
    chroma = value - images.min(dim=1).values
    safe = chroma + EPSILON
    hue = torch.where(
        channel == 0,
        (green - blue) / safe % 6,
        torch.where(channel == 1, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return torch.stack([hue / 6 % 1, chroma / (value + EPSILON), value], dim=1)


def hsv_to_rgb(hsv: Tensor) -> Tensor:
    """The inverse of `rgb_to_hsv`."""
    hue, saturation, value = _split(hsv)
    channels = []
    for shift in (5, 3, 1):
        k = (shift + hue * 6) % 6
        ramp = torch.minimum(k, 4 - k).clamp(0, 1)
        channels.append(value - value * saturation * ramp)
    return torch.stack(channels, dim=1)


def shift_hue_saturation(images: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """Add `hue` (B,) in turns and `saturation` (B,) in [-1, 1] in HSV."""
    hsv = rgb_to_hsv(images)
    turned = (hsv[:, 0] + _like(hue)) % 1
    richer = (hsv[:, 1] + _like(saturation)).clamp(0, 1)
    return hsv_to_rgb(torch.stack([turned, richer, hsv[:, 2]], dim=1)).clamp(0, 1)


def _scale_luma(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    weights = images.new_tensor(LUMA)[None, :, None, None]
    luma = (images * weights).sum(1, keepdim=True)
    return images + change(luma.squeeze(1)).unsqueeze(1) - luma


def _scale_value(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    hsv = rgb_to_hsv(images)
    return hsv_to_rgb(torch.stack([hsv[:, 0], hsv[:, 1], change(hsv[:, 2])], dim=1))


def _scale_lightness(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """HLS: hue and saturation stay, lightness (max + min) / 2 changes."""
    high, low = images.amax(1), images.amin(1)
    light = (high + low) / 2
    room = 1 - (2 * light - 1).abs()
    saturation = ((high - low) / (room + EPSILON)).clamp(0, 1)
    changed = change(light)
    chroma = (1 - (2 * changed - 1).abs()) * saturation
    # Every channel keeps its place between the lowest and the highest one.
    place = (images - low.unsqueeze(1)) / ((high - low).unsqueeze(1) + EPSILON)
    return (changed - chroma / 2).unsqueeze(1) + place * chroma.unsqueeze(1)


def _to_linear(rgb: Tensor) -> Tensor:
    return torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear: Tensor) -> Tensor:
    linear = linear.clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=EPSILON) ** (1 / 2.4) - 0.055
    )


def _lightness_of(luminance: Tensor) -> Tensor:
    """CIE L* / 100 of relative luminance."""
    cube = 1.16 * luminance.clamp(min=EPSILON) ** (1 / 3) - 0.16
    return torch.where(luminance > LAB_KNEE, cube, LAB_SLOPE / 100 * luminance)


def _luminance_of(lightness: Tensor) -> Tensor:
    cube = ((lightness + 0.16) / 1.16) ** 3
    return torch.where(cube > LAB_KNEE, cube, lightness * 100 / LAB_SLOPE)


def _matrix(images: Tensor) -> Tensor:
    return images.new_tensor(RGB_TO_XYZ)


def _scale_luv(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Luv: u* and v* are 13 L (u' - u'n), so scaling L alone scales the offset of u', v' by L_old / L_new."""
    xyz = torch.einsum("ij,bjhw->bihw", _matrix(images), _to_linear(images))
    x, y, z = _split(xyz)
    total = x + 15 * y + 3 * z + EPSILON
    white_x, white_y, white_z = WHITE
    white_total = white_x + 15 * white_y + 3 * white_z
    white_u, white_v = 4 * white_x / white_total, 9 * white_y / white_total
    light = _lightness_of(y)
    changed = change(light).clamp(0, 1)
    ratio = light / (changed + EPSILON)
    u = white_u + (4 * x / total - white_u) * ratio
    v = (white_v + (9 * y / total - white_v) * ratio).clamp(min=EPSILON)
    new_y = _luminance_of(changed)
    new_x = new_y * 9 * u / (4 * v)
    new_z = new_y * (12 - 3 * u - 20 * v) / (4 * v)
    linear = torch.einsum(
        "ij,bjhw->bihw", torch.linalg.inv(_matrix(images)), torch.stack([new_x, new_y, new_z], 1)
    )
    return _to_srgb(linear)


def _lab_curve(ratio: Tensor) -> Tensor:
    return torch.where(ratio > LAB_KNEE, ratio.clamp(min=EPSILON) ** (1 / 3), (LAB_SLOPE * ratio + 16) / 116)


def _lab_inverse(value: Tensor) -> Tensor:
    cube = value**3
    return torch.where(cube > LAB_KNEE, cube, (116 * value - 16) / LAB_SLOPE)


def _scale_lab(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Lab: a* and b* are differences of the curve's values, so they stay when all three shift alike."""
    white = images.new_tensor(WHITE)[None, :, None, None]
    xyz = torch.einsum("ij,bjhw->bihw", _matrix(images), _to_linear(images)) / white
    curve = _lab_curve(xyz)
    light = _lightness_of(xyz[:, 1])
    shift = (change(light).clamp(0, 1) - light) / 1.16
    changed = _lab_inverse(curve + shift.unsqueeze(1)) * white
    return _to_srgb(torch.einsum("ij,bjhw->bihw", torch.linalg.inv(_matrix(images)), changed))


# YUV differs from YCrCb only in how chroma is scaled, so a change of Y does the same in both.
_SCALERS: dict[str, Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor]] = {
    "YCrCb": _scale_luma,
    "HSV": _scale_value,
    "HLS": _scale_lightness,
    "Lab": _scale_lab,
    "Luv": _scale_luv,
    "YUV": _scale_luma,
}


def change_brightness(
    images: Tensor, space: str, factor: Tensor, offset: Tensor, add_first: Tensor
) -> Tensor:
    """Multiply by `factor` (B,) and add `offset` (B,) in [-1, 1] to the brightness channel of `space`.

    `add_first` (B,) bool: the offset comes before the factor. The channel is clipped after each step.
    """

    def change(channel: Tensor) -> Tensor:
        added = ((channel + _like(offset)).clamp(0, 1) * _like(factor)).clamp(0, 1)
        scaled = ((channel * _like(factor)).clamp(0, 1) + _like(offset)).clamp(0, 1)
        return torch.where(_like(add_first), added, scaled)

    return _SCALERS[space](images, change).clamp(0, 1)


def mix_colours(images: Tensor, matrices: Tensor, offsets: Tensor) -> Tensor:
    """Apply one (3, 3) matrix and one (3,) offset to the colours of each image: (B, 3, 3), (B, 3)."""
    flat = images.flatten(2)
    return torch.baddbmm(offsets.unsqueeze(2), matrices, flat).view_as(images).clamp(0, 1)
