"""Mini-batches: every sample once, pairs together, torchvision's arithmetic, no shared memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data import Batches, LabelledImages

sizes = st.integers(1, 40)
quick = settings(max_examples=40, deadline=None)


def pairs(n):
    """Samples that carry their own number, so that a pair can be recognised."""
    x = torch.arange(n, dtype=torch.float32).view(n, 1).repeat(1, 3)
    return x, torch.arange(n)


@quick
@given(
    n=sizes, batch_size=sizes, shuffle=st.booleans(), drop=st.booleans(), seed=st.integers(0, 99)
)
def test_every_sample_comes_once_and_with_its_target(n, batch_size, shuffle, drop, seed):
    batches = Batches(*pairs(n), batch_size, shuffle=shuffle, seed=seed, drop_last=drop)
    for _ in range(2):
        epoch = list(batches)
        assert len(epoch) == len(batches)
        for x, y in epoch:
            assert torch.equal(x[:, 0].long(), y)
        seen = [int(label) for _, y in epoch for label in y]
        kept = n - n % batch_size if drop else n
        assert len(seen) == len(set(seen)) == kept
        full = epoch if drop or n % batch_size == 0 else epoch[:-1]
        assert all(len(y) == batch_size for _, y in full)
        if not shuffle:
            assert seen == list(range(kept))


def test_the_last_batch_is_smaller_or_dropped():
    x, y = pairs(10)
    assert [len(b) for _, b in Batches(x, y, 4)] == [4, 4, 2]
    assert [len(b) for _, b in Batches(x, y, 4, drop_last=True)] == [4, 4]
    assert list(Batches(x, y, 11, drop_last=True)) == []


def test_empty_data_give_no_batch():
    assert list(Batches(torch.zeros(0, 3), torch.zeros(0), 4, shuffle=True)) == []


def order(batches):
    return [int(label) for _, y in batches for label in y]


def test_each_epoch_has_a_new_order_and_the_seed_repeats_all_of_them():
    first = Batches(*pairs(50), 8, shuffle=True, seed=3)
    epochs = [order(first), order(first)]
    assert epochs[0] != epochs[1]
    again = Batches(*pairs(50), 8, shuffle=True, seed=3)
    assert [order(again), order(again)] == epochs
    assert order(Batches(*pairs(50), 8, shuffle=True, seed=4)) != epochs[0]


def test_the_default_seed_is_that_of_pytorch():
    state = torch.get_rng_state()
    try:
        torch.manual_seed(7)
        torch.rand(5)  # numbers drawn meanwhile do not matter
        assert order(Batches(*pairs(50), 8, shuffle=True)) == order(
            Batches(*pairs(50), 8, shuffle=True, seed=7)
        )
    finally:
        torch.set_rng_state(state)


def test_global_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    order(Batches(*pairs(50), 8, shuffle=True))
    assert torch.equal(torch.get_rng_state(), before)


@quick
@given(
    shape=st.sampled_from([(1, 5, 4), (3, 6, 2)]),
    mean=st.floats(0, 1),
    std=st.floats(0.05, 2),
    seed=st.integers(0, 99),
)
def test_standardised_like_torchvision(shape, mean, std, seed):
    from torchvision import transforms

    images = np.random.default_rng(seed).integers(0, 256, (6, *shape), dtype=np.uint8)
    means = [mean * (i + 1) / 3 for i in range(shape[0])]
    stds = [std * (i + 1) / 3 for i in range(shape[0])]
    peer = transforms.Compose([transforms.ToTensor(), transforms.Normalize(means, stds)])
    expected = torch.stack([peer(image.transpose(1, 2, 0)) for image in images])
    data = LabelledImages(torch.from_numpy(images), torch.zeros(6, dtype=torch.int64))
    ours = torch.cat([x for x, _ in data.batches(4, mean=means, std=stds)])
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-6)
    plain = torch.cat([x for x, _ in data.batches(4)])
    torch.testing.assert_close(plain, torch.from_numpy(images) / 255, atol=0, rtol=0)


def test_numpy_and_pytorch_agree_to_the_last_bit():
    images = torch.randint(0, 256, (30, 3, 5, 4), dtype=torch.uint8)
    batches = Batches(images, torch.zeros(30), 8, mean=[0.1, 0.5, 0.7], std=[0.2, 0.3, 0.4])
    chosen = torch.tensor([4, 29, 0])
    assert torch.equal(batches._pixels_by_numpy(chosen), batches._by_torch(chosen))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_batches_stay_on_the_device():
    images = torch.randint(0, 256, (30, 1, 4, 4), dtype=torch.uint8)
    data = LabelledImages(images, torch.arange(30))
    there = data.to("cuda").batches(8, shuffle=True, mean=0.5, std=0.5, seed=1)
    here = data.batches(8, shuffle=True, mean=0.5, std=0.5, seed=1)
    for (x, y), (u, v) in zip(there, here, strict=True):
        assert x.is_cuda and y.is_cuda
        torch.testing.assert_close(x.cpu(), u)
        assert torch.equal(y.cpu(), v)


def test_one_number_serves_all_channels():
    images = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8)
    data = LabelledImages(images, torch.zeros(5))
    ((x, _),) = data.batches(5, mean=0.5, std=0.25)
    torch.testing.assert_close(x, (images / 255 - 0.5) / 0.25)


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_share_no_memory(dtype, shuffle):
    x = torch.randint(0, 255, (9, 1, 2, 2)).to(dtype)
    y = torch.arange(9)
    x_before, y_before = x.clone(), y.clone()
    epoch = Batches(x, y, 4, shuffle=shuffle, mean=0.5, std=0.5)
    kept = [(a, b, a.clone(), b.clone()) for a, b in epoch]
    for a, b, a_copy, b_copy in kept:
        assert torch.equal(a, a_copy)  # still valid after the others were drawn
        assert torch.equal(b, b_copy)
    for a, b, _, _ in kept:
        a.zero_()
        b.zero_()
    assert torch.equal(x, x_before)
    assert torch.equal(y, y_before)


def test_tables_and_tokens():
    features, target = torch.randn(10, 4), torch.randn(10, 1)
    mean, std = features.mean(0), features.std(0)
    ((x, y),) = Batches(features, target, 10, mean=mean, std=std)
    torch.testing.assert_close(x, (features - mean) / std)
    torch.testing.assert_close(y, target)
    tokens = torch.arange(12).view(4, 3)
    ((x, y),) = Batches(tokens, tokens + 1, 4)
    assert torch.equal(x, tokens)
    assert x.dtype == torch.int64
    ((x, y),) = Batches(torch.ones(3, dtype=torch.float64), torch.ones(3), 3, mean=1.0)
    assert x.dtype == torch.float64


def test_two_epochs_may_run_side_by_side():
    batches = Batches(*pairs(20), 5, shuffle=True, seed=0)
    both = [(a.tolist(), b.tolist()) for (_, a), (_, b) in zip(batches, batches, strict=True)]
    for side in zip(*both, strict=True):
        assert sorted(sum(side, [])) == list(range(20))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((torch.zeros(3, 1), torch.zeros(4), 2), ValueError, r"\(3, 1\) and \(4,\)"),
        ((torch.zeros(3, 1), torch.zeros(3), 0), ValueError, "positive integer, got 0"),
        ((torch.zeros(3, 1), torch.zeros(3), 2.0), ValueError, "positive integer, got 2.0"),
    ],
)
def test_wrong_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        Batches(*arguments)


def test_wrong_statistics():
    x, y = torch.zeros(3, 2), torch.zeros(3)
    with pytest.raises(ValueError, match="3 numbers for 2 channels"):
        Batches(x, y, 2, mean=[0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="std must not be zero"):
        Batches(x, y, 2, std=[1.0, 0.0])
    with pytest.raises(TypeError, match="not for torch.int64"):
        Batches(x.long(), y, 2, mean=0.5)


def test_labelled_images_slices():
    images = torch.randint(0, 256, (6, 1, 2, 2), dtype=torch.uint8)
    data = LabelledImages(images, torch.arange(6))
    assert len(data[:4]) == 4
    assert data[[5, 0]].labels.tolist() == [5, 0]
    assert data[data.labels > 2].labels.tolist() == [3, 4, 5]
    image, label = data[-1]
    assert label == 5
    assert torch.equal(image, images[5])
    with pytest.raises(ValueError, match="6 images and 5 labels"):
        LabelledImages(images, torch.arange(5))


def test_mean_and_std_of_channels():
    images = torch.randint(0, 256, (20, 3, 5, 5), dtype=torch.uint8)
    mean, std = LabelledImages(images, torch.zeros(20)).mean_and_std()
    scaled = images.double() / 255
    assert mean == pytest.approx(scaled.mean(dim=(0, 2, 3)).tolist())
    assert std == pytest.approx(scaled.std(dim=(0, 2, 3), correction=0).tolist())
