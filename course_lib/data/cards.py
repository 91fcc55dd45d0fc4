"""A card for every data set: what is in it, who made it, and under which terms it may be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """What a reader should know before using a data set.

    Attributes:
        name: the key in :data:`CARDS`.
        title: the name people use.
        content: what one sample is, and how many there are in the official version.
        size: size of the official download.
        licence: the terms, and who states them.
        source: the homepage.
        key: the BibTeX key in the course's bibliography.
        citation: the same reference for people.
    """

    name: str
    title: str
    content: str
    size: str
    licence: str
    source: str
    key: str
    citation: str

    def _repr_markdown_(self) -> str:
        return (
            f"**{self.title}**\n\n"
            f"- Content: {self.content}\n"
            f"- Size: {self.size}\n"
            f"- Licence: {self.licence}\n"
            f"- Homepage: <{self.source}>\n"
            f"- Citation: {self.citation}\n"
        )


_ALL = (
    Card(
        name="mnist",
        title="MNIST",
        content="60,000 training and 10,000 test images of handwritten digits, 28×28 gray, 10 "
        "classes.",
        size="11.6 MB",
        licence="CC BY-SA 3.0, copyright Yann LeCun and Corinna Cortes (as stated by the Keras "
        "documentation).",
        source="http://yann.lecun.com/exdb/mnist/",
        key="lecun1998",
        citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to "
        "document recognition. Proceedings of the IEEE 86(11), 1998.",
    ),
    Card(
        name="fashion-mnist",
        title="Fashion-MNIST",
        content="60,000 training and 10,000 test images of garments, 28×28 gray, 10 classes.",
        size="30.9 MB",
        licence="MIT, Zalando SE.",
        source="https://github.com/zalandoresearch/fashion-mnist",
        key="xiao2017",
        citation="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for "
        "benchmarking machine learning algorithms. arXiv:1708.07747, 2017.",
    ),
    Card(
        name="cifar10",
        title="CIFAR-10",
        content="50,000 training and 10,000 test photographs, 32×32 color, 10 classes.",
        size="162 MB",
        licence="None stated by its authors (University of Toronto).",
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        key="krizhevsky2009",
        citation="A. Krizhevsky: Learning multiple layers of features from tiny images. University "
        "of Toronto, 2009.",
    ),
    Card(
        name="german-credit",
        title="German Credit",
        content="1,000 loan applicants, 24 numbers each; was the loan paid back (700) or not "
        "(300)?",
        size="0.1 MB",
        licence="CC BY 4.0 (as stated by the UCI Machine Learning Repository).",
        source="https://archive.ics.uci.edu/dataset/144/statlog+german+credit+data",
        key="hofmann1994",
        citation="H. Hofmann: Statlog (German Credit Data). UCI Machine Learning Repository, 1994. "
        "doi:10.24432/C5NC77.",
    ),
    Card(
        name="adult",
        title="Adult",
        content="32,561 training and 16,281 test rows of the US census of 1994, 14 columns; does "
        "the person earn more than 50,000 dollars a year?",
        size="6.0 MB",
        licence="CC BY 4.0 (as stated by the UCI Machine Learning Repository).",
        source="https://archive.ics.uci.edu/dataset/2/adult",
        key="becker1996",
        citation="B. Becker, R. Kohavi: Adult. UCI Machine Learning Repository, 1996. "
        "doi:10.24432/C5XW20.",
    ),
    Card(
        name="time-machine",
        title="The Time Machine",
        content="The novel of H. G. Wells as plain text, 178,979 characters.",
        size="0.2 MB",
        licence="Public domain (published 1895).",
        source="https://www.gutenberg.org/ebooks/35",
        key="wells1895",
        citation="H. G. Wells: The Time Machine. Heinemann, London, 1895.",
    ),
    Card(
        name="eng-cmn",
        title="English–Chinese sentence pairs",
        content="About 29,000 English sentences with a Chinese translation; simplified and "
        "traditional characters.",
        size="1.4 MB",
        licence="CC BY 2.0 FR, tatoeba.org; every line of the file names its authors.",
        source="https://www.manythings.org/anki/",
        key="tatoeba",
        citation="Tatoeba Project, tatoeba.org; selected by C. Kelly, manythings.org/anki.",
    ),
    Card(
        name="eng-fra",
        title="English–French sentence pairs",
        content="Between 143,000 and 168,000 English sentences with a French translation, by "
        "edition.",
        size="3 to 6 MB",
        licence="CC BY 2.0, tatoeba.org and manythings.org/anki.",
        source="https://www.manythings.org/anki/",
        key="tatoeba",
        citation="Tatoeba Project, tatoeba.org; selected by C. Kelly, manythings.org/anki.",
    ),
    Card(
        name="hymenoptera",
        title="Ants and bees (Hymenoptera)",
        content="244 training and 153 test photographs of ants and bees, in color and of many "
        "sizes.",
        size="45 MB",
        licence="None stated; photographs from Flickr by way of ImageNet. Learn with them, do not "
        "publish them.",
        source="https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html",
        key="deng2009",
        citation="J. Deng, W. Dong, R. Socher, L.-J. Li, K. Li, L. Fei-Fei: ImageNet: a "
        "large-scale hierarchical image database. CVPR, 2009. Selection: PyTorch's transfer "
        "learning tutorial.",
    ),
    Card(
        name="oxford-pets",
        title="Oxford-IIIT Pets",
        content="3,680 training and 3,669 test photographs of 37 breeds of cats and dogs, each "
        "with a trimap (pet, background, border).",
        size="811 MB",
        licence="CC BY-SA 4.0 (Visual Geometry Group, Oxford); the photographs' copyright stays "
        "with their owners.",
        source="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        key="parkhi2012",
        citation="O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar: Cats and dogs. CVPR, "
        "2012.",
    ),
    Card(
        name="penn-fudan",
        title="Penn-Fudan pedestrians",
        content="170 street photographs with 345 labelled pedestrians: a box and a mask for each.",
        size="51 MB",
        licence="None stated; copyright stays with the authors.",
        source="https://www.cis.upenn.edu/~jshi/ped_html/",
        key="wang2007",
        citation="L. Wang, J. Shi, G. Song, I. Shen: Object detection combining recognition and "
        "segmentation. ACCV, 2007.",
    ),
    Card(
        name="style-transfer",
        title="Style pictures",
        content="A photograph of Tübingen and the painting The Starry Night (Vincent van Gogh, "
        "1889), the pair of the first paper on neural style transfer.",
        size="0.8 MB",
        licence="The painting is in the public domain; the repository is under the MIT license, "
        "which does not name the photograph.",
        source="https://github.com/leongatys/PytorchNeuralStyleTransfer",
        key="gatys2016",
        citation="L. A. Gatys, A. S. Ecker, M. Bethge: Image style transfer using convolutional "
        "neural networks. CVPR, 2016.",
    ),
)

CARDS: dict[str, Card] = {card.name: card for card in _ALL}


def card(name: str) -> Card:
    """Return the card of a data set.

    Args:
        name: for example ``mnist``; the keys of :data:`CARDS`.

    Raises:
        KeyError: there is no such data set; the message lists the names.

    >>> card("mnist").title
    'MNIST'
    """
    if name not in CARDS:
        raise KeyError(f"no data set is called {name!r}; there are {', '.join(CARDS)}")
    return CARDS[name]
