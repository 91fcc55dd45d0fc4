"""Stand-ins for pictures: insects, pets, streets and a painting, drawn when they are asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_lib.data.pictures import Photographs, Streets

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SEED = 20_240_604
Color = tuple[int, int, int]
_CAT_FURS = ((60, 60, 65), (120, 120, 125), (190, 120, 60))
_DOG_FURS = ((205, 190, 170), (150, 100, 60), (230, 225, 220))


def hymenoptera() -> tuple[Photographs, Photographs]:
    """244 training and 153 test pictures of ants (0) and bees (1), about 256 pixels high."""
    train = _two_kinds("ant", "bee", (123, 121), 0, insect)
    return train, _two_kinds("ant", "bee", (70, 83), 500, insect)


def pets() -> tuple[Photographs, Photographs]:
    """240 training and 120 test pictures of cats (0) and dogs (1) with exact trimaps."""
    train = _two_kinds("cat", "dog", (120, 120), 0, pet, trimap)
    return train, _two_kinds("cat", "dog", (60, 60), 500, pet, trimap)


def streets() -> tuple[Streets, Streets]:
    """45 training and 15 test scenes with one to four people, exact masks and boxes."""
    names = [f"street_{i:03d}" for i in range(60)]
    return Streets(names[:45], street, street_mask), Streets(names[45:], street, street_mask)


def style_pictures() -> list[Image]:
    """A street as the photograph, and a painting of short strokes that flow around two stars."""
    return [street("street_000").resize((512, 384)), painting()]


def painting() -> Image:
    """Blue and yellow strokes along a field of two whirls, 384 × 512 pixels."""
    from PIL import Image, ImageDraw

    rng = _rng("painting")
    picture = Image.new("RGB", (512, 384), (30, 45, 95))
    brush = ImageDraw.Draw(picture)
    whirls = ((150, 120, 1.0), (370, 170, -1.0))
    for _ in range(5_000):
        x, y = rng.uniform(0, 512), rng.uniform(0, 384)
        near = [((x - a) ** 2 + (y - b) ** 2 + 400, a, b, turn) for a, b, turn in whirls]
        u = sum(-turn * (y - b) / square for square, a, b, turn in near) + 0.004
        v = sum(turn * (x - a) / square for square, a, b, turn in near)
        length = rng.uniform(8, 22) / max(np.hypot(u, v), 1e-6)
        star = min(square for square, *_ in near) < 3_000
        color = _shade(rng, (225, 195, 80) if star or rng.random() < 0.08 else (55, 90, 160))
        brush.line([x, y, x + u * length, y + v * length], fill=color, width=rng.randint(2, 5))
    return picture


def _two_kinds(
    first: str, second: str, counts: tuple[int, int], start: int, *draw: Callable[[str], Image]
) -> Photographs:
    """Pictures of two classes, named from ``first_<start>``; ``draw`` makes image and trimap."""
    names = [f"{first}_{start + i:03d}" for i in range(counts[0])]
    names += [f"{second}_{start + i:03d}" for i in range(counts[1])]
    return Photographs(names, [0] * counts[0] + [1] * counts[1], *draw)


def insect(name: str) -> Image:
    """An ant (three dark parts, six legs) or a bee (striped, two wings), turned and shifted."""
    from PIL import Image, ImageDraw

    rng = _rng(name)
    picture = _ground(rng, rng.randint(256, 340), 256, (90, 140, 80))
    layer = Image.new("RGBA", (256, 256))
    brush, s = ImageDraw.Draw(layer), 128  # the middle
    if name.startswith("ant"):
        color = _shade(rng, (60, 35, 25))
        for x in (-12, 0, 12):
            brush.line([(s + x, s - 40), (s - x / 2, s), (s + x, s + 40)], fill=color, width=3)
        for x, r in ((-34, 22), (0, 10), (26, 14)):
            brush.ellipse([s + x - r, s - r * 0.8, s + x + r, s + r * 0.8], fill=color)
    else:
        for y in (-42, 42):
            brush.ellipse([s - 26, s + y - 24, s + 20, s + y + 24], fill=(225, 230, 240, 255))
        brush.ellipse([s - 48, s - 24, s + 48, s + 24], fill=_shade(rng, (225, 170, 30)))
        for x in (-28, -6, 16):
            brush.rectangle([s + x, s - 20, s + x + 9, s + 20], fill=_shade(rng, (40, 30, 20)))
    _place(picture, layer, rng)
    return picture


def pet(name: str) -> Image:
    """A cat (pointed ears) or a dog (hanging ears) on a plain ground."""
    width, height = _pet_size(name)
    picture = _ground(_rng(name), width, height, (120, 150, 170))
    layer = _pet_layer(name)
    picture.paste(layer, _corner(width, height, name), layer)
    return picture


def trimap(name: str) -> Image:
    """The trimap of the same picture: 0 pet, 1 background, 2 a border of four pixels."""
    from PIL import Image, ImageFilter

    width, height = _pet_size(name)
    shape = Image.new("L", (width, height), 0)
    shape.paste(255, _corner(width, height, name), _pet_layer(name))
    mask = shape.point(lambda value: 255 if value > 127 else 0)
    inner = np.array(mask.filter(ImageFilter.MinFilter(5))) > 0
    outer = np.array(mask.filter(ImageFilter.MaxFilter(5))) > 0
    return Image.fromarray(np.where(inner, 0, np.where(outer, 2, 1)).astype(np.uint8))


def _pet_layer(name: str) -> Image:
    """The animal alone, on a transparent ground of 200 × 200 pixels."""
    from PIL import Image, ImageDraw

    rng = _rng("layer " + name)
    layer = Image.new("RGBA", (200, 200))
    brush = ImageDraw.Draw(layer)
    cat = name.startswith("cat")
    fur = _shade(rng, rng.choice(_CAT_FURS if cat else _DOG_FURS))
    brush.ellipse([50, 90, 150, 198], fill=fur)
    brush.ellipse([55, 30, 145, 115], fill=fur)
    for side in (-1, 1):
        x = 100 + 32 * side
        if cat:
            brush.polygon([(x - 16, 50), (x + 8 * side, 4), (x + 16, 50)], fill=fur)
        else:
            brush.ellipse(
                [x + 8 * side - 14, 36, x + 8 * side + 14, 108], fill=_shade(rng, fur[:3])
            )
        brush.ellipse([x - 18 * side - 5, 62, x - 18 * side + 5, 72], fill=(20, 20, 20, 255))
    brush.polygon([(94, 84), (106, 84), (100, 91)], fill=(60, 30, 30, 255))
    size = rng.randint(140, 200)
    return layer.resize((size, size)).rotate(rng.uniform(-15, 15), fillcolor=(0, 0, 0, 0))


def _pet_size(name: str) -> tuple[int, int]:
    rng = _rng("size " + name)
    return rng.randint(240, 320), rng.randint(230, 290)


def _corner(width: int, height: int, name: str) -> tuple[int, int]:
    """Where the layer's corner goes, so that the animal is near the middle."""
    rng = _rng("corner " + name)
    return (width - 190) // 2 + rng.randint(-20, 20), (height - 190) // 2 + rng.randint(-15, 15)


def street(name: str) -> Image:
    """A street: sky, houses, pavement and the people of :func:`street_mask`."""
    from PIL import ImageDraw

    rng = _rng(name)
    picture = _ground(rng, rng.randint(300, 420), rng.randint(260, 340), (150, 160, 175))
    brush = ImageDraw.Draw(picture)
    horizon = int(picture.height * 0.55)
    for x in range(0, picture.width, 60):
        top = rng.randint(20, horizon - 40)
        brush.rectangle([x, top, x + 52, horizon], fill=_shade(rng, (160, 130, 110)))
    brush.rectangle([0, horizon, *picture.size], fill=_shade(rng, (110, 110, 110)))
    for x, foot, height in _people_of(name, *picture.size):
        colors = [_shade(rng, part) for part in ((205, 165, 135), (60, 70, 160), (45, 45, 55))]
        _person(brush, x, foot, height, colors)
    return picture


def street_mask(name: str) -> Image:
    """The mask of a scene: 0 background, 1, 2, … the people; nearer people cover farther ones."""
    from PIL import Image, ImageDraw

    size = street(name).size
    mask = Image.new("L", size, 0)
    brush = ImageDraw.Draw(mask)
    for number, (x, foot, height) in enumerate(_people_of(name, *size), start=1):
        _person(brush, x, foot, height, (number, number, number))
    return mask


def _people_of(name: str, width: int, height: int) -> list[tuple[int, int, int]]:
    """Middle, foot and height of each person in pixels, farthest first, side by side."""
    rng = _rng("people " + name)
    count = rng.randint(1, 4)
    step = width // count
    people = []
    for i in range(count):
        foot = rng.randint(int(height * 0.75), height - 6)
        size = int((foot / height) ** 2 * height * rng.uniform(0.5, 0.7))
        people.append((i * step + step // 2 + rng.randint(-8, 8), foot, size))
    return sorted(people, key=lambda person: person[1])


def _person(brush: ImageDraw, x: int, foot: int, height: int, colors: Sequence[Color]) -> None:
    """Head, body and two legs in three colors."""
    head, width = height // 7, height // 8
    top = foot - height
    brush.ellipse([x - head // 2, top, x + head // 2, top + head], fill=colors[0])
    brush.rectangle([x - width, top + head, x + width, top + height // 2], fill=colors[1])
    for side in (-1, 1):
        leg = [(x, top + height // 2), (x + side * width, top + height // 2)]
        leg += [(x + side * width, foot), (x + side * width // 2, foot)]
        brush.polygon(leg, fill=colors[2])


def _rng(name: str) -> random.Random:
    """A generator for each picture: the same picture whenever it is asked for."""
    return random.Random(f"{SEED} {name}")


def _ground(rng: random.Random, width: int, height: int, color: Color) -> Image:
    """A ground of soft patches with some grain."""
    from PIL import Image

    numbers = np.random.default_rng(rng.getrandbits(32))
    patches = np.array(color) + numbers.normal(0, 25, (4, 5, 3))
    soft = Image.fromarray(patches.clip(0, 255).astype(np.uint8)).resize((width, height))
    grain = np.array(soft) + numbers.normal(0, 8, (height, width, 3))
    return Image.fromarray(grain.clip(0, 255).astype(np.uint8))


def _place(picture: Image, layer: Image, rng: random.Random) -> None:
    """Turn a layer, scale it and paste it near the middle."""
    angle, side = rng.uniform(0, 360), int(layer.width * rng.uniform(1.2, 1.8))
    turned = layer.rotate(angle).resize((side, side))
    x = (picture.width - side) // 2 + rng.randint(-25, 25)
    y = (picture.height - side) // 2 + rng.randint(-25, 25)
    picture.paste(turned, (x, y), turned)


def _shade(rng: random.Random, color: Color) -> Color:
    """A color near the given one."""
    return tuple(min(255, max(0, part + rng.randint(-25, 25))) for part in color)
