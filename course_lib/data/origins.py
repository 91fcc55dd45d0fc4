"""Where the files of every data set come from, and the checksums they must have.

A published checksum is used wherever there is one: those of torchvision (MNIST, Fashion-MNIST,
Oxford pets), of the CIFAR-10 homepage, of the book *Dive into Deep Learning* (fra-eng.zip), and
SHA256 sums of files that were compared with published ones (German Credit, Adult) or belong to a
named commit (the style pictures). For three archives nobody publishes a checksum: cmn-eng.zip (its
content grows), hymenoptera_data.zip and PennFudanPed.zip. Their first download is tested as an
archive, its SHA256 is written down beside it, and every later download must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Remote:
    """An official file.

    Attributes:
        path: its name in the cache folder of the data set.
        urls: where to fetch it, best first.
        checksum: ``"sha256:…"``, ``"sha1:…"`` or ``"md5:…"``; ``None`` when nobody publishes one.
    """

    path: str
    urls: tuple[str, ...]
    checksum: str | None


@dataclass(frozen=True)
class Origin:
    """All sources of one data set.

    Attributes:
        folder: the folder below ``$COURSE_DATA``.
        local: the files in it and their checksums.
        tree: for a folder of photographs, one checksum instead: the SHA256 of its sorted ``hash
            path`` lines.
        remotes: the official files.
        unpack: for archives of photographs, the folder that they are unpacked into; ``None`` keeps
            them packed.
    """

    folder: str
    remotes: tuple[Remote, ...]
    local: dict[str, str] = field(default_factory=dict)
    tree: str | None = None
    unpack: str | None = None


def _same_files(folder: str, base: str, bases: tuple[str, ...], sums: dict[str, str]) -> Origin:
    """A data set whose local copy has the official files: one checksum serves both."""
    remotes = tuple(
        Remote(base + name, tuple(url + name for url in bases), sha) for name, sha in sums.items()
    )
    return Origin(folder, remotes, local={base + name: sha for name, sha in sums.items()})


_UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases/"
_D2L = "http://d2l-data.s3-accelerate.amazonaws.com/"

ORIGINS: dict[str, Origin] = {
    "mnist": _same_files(
        "mnist",
        "MNIST/raw/",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        {
            "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": _same_files(
        "fashion-mnist",
        "FashionMNIST/raw/",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    "cifar10": Origin(
        folder="cifar10-subset",
        local={
            "data_batch_1.first5000.bin": (
                "sha256:25c919756e77f926c2ce5d52f3af2a33de8d75ff7868e4fcd0fa499745217b8d"
            ),
            "test_batch.first1000.bin": (
                "sha256:8314c96d7cd65618193bab23acdd5d4c4af15bf6dd00a1781d55beedf3be1ef5"
            ),
        },
        remotes=(
            Remote(
                "cifar-10-binary.tar.gz",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                "md5:c32a1d4ab5d03f1284b67883e8d87530",
            ),
        ),
    ),
    "german-credit": _same_files(
        "german-credit",
        "",
        (_UCI + "statlog/german/",),
        {
            "german.data-numeric": (
                "sha256:2752b044394958ab6dd193a0b56ca0f0b3a2d8bc7cb8c008e35a5e84bbec02f8"
            ),
        },
    ),
    "adult": _same_files(
        "adult",
        "",
        (_UCI + "adult/",),
        {
            "adult.data": "sha256:5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            "adult.test": "sha256:a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        },
    ),
    "time-machine": _same_files(
        "time-machine",
        "",
        (_D2L,),
        {"timemachine.txt": "sha1:090b5e7e70c295757f55df93cb0a180b9691891a"},
    ),
    "eng-cmn": Origin(
        folder="eng-cmn",
        local={
            "cmn.txt": "sha256:9da1af87e3e61650aa38595e60baef3a4e3a18ed239a7ef4a764c0a87c7ddeff"
        },
        remotes=(Remote("cmn-eng.zip", ("https://www.manythings.org/anki/cmn-eng.zip",), None),),
    ),
    "eng-fra": Origin(
        folder="eng-fra",
        local={
            "fra-eng.zip": "sha256:16c4f7d0df9e7c5e6c54cdb0447f3f4a18a55052ff5e2e0b27dd4a06c0e49d04"
        },
        remotes=(
            Remote(
                "fra-eng.zip",
                (_D2L + "fra-eng.zip",),
                "sha1:94646ad1522d915e7b0f9296181140edcf86a4f5",
            ),
        ),
    ),
    "hymenoptera": Origin(
        folder="hymenoptera",
        tree="sha256:ae7e53383f5419fd3447b41aec0eab7a43a8c4ad9ea6edaec7b2ee88026f50e2",
        remotes=(
            Remote(
                "hymenoptera_data.zip",
                ("https://download.pytorch.org/tutorial/hymenoptera_data.zip",),
                None,
            ),
        ),
        unpack="",
    ),
    "oxford-pets": Origin(
        folder="oxford-pets",
        tree="sha256:7bbf5769969b5a1ea50fcdb580947f3e0a596046237b4ef35dde226e0c55b27d",
        remotes=(
            Remote(
                "images.tar.gz",
                ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",),
                "md5:5c4f3ee8e5d25df40f4fd59a7f44e54c",
            ),
            Remote(
                "annotations.tar.gz",
                ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz",),
                "md5:95a8c909bbe2e81eed6a22bccdf3f68f",
            ),
        ),
        unpack="oxford-iiit-pet",
    ),
    "penn-fudan": Origin(
        folder="penn-fudan",
        tree="sha256:693907737cb11f146d22ad9d1d03de98fc98726cc495082ac0d13300c3eb7664",
        remotes=(
            Remote(
                "PennFudanPed.zip",
                ("https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",),
                None,
            ),
        ),
        unpack="",
    ),
    "style-transfer": _same_files(
        "style-transfer",
        "",
        (
            "https://raw.githubusercontent.com/leongatys/PytorchNeuralStyleTransfer/"
            "be6c8e2b35568669a5a0ac10b66c912207ad355d/Images/",
        ),
        {
            "Tuebingen_Neckarfront.jpg": (
                "sha256:e67d1869f01fd805385c681a80d9ebcf0f70ea4a5fe6127f0606bb1c7f4bf506"
            ),
            "vangogh_starry_night.jpg": (
                "sha256:228bebf0dd424ea4f740d8d88a67f2960424c166e638086c1ec529260d2e3832"
            ),
        },
    ),
}
