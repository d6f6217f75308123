"""
An exact search, whatever it leaves out.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from gateway_caching.semantic.matrix import Matrix


def unit_vectors(count, dimensions, *, seed=6, spread=1.0):
    """
    Make unit vectors around one direction; the smaller *spread* is, the nearer to it.
    """
    chance = np.random.default_rng(seed)
    made = chance.standard_normal((count, dimensions), dtype=np.float32)
    made *= spread
    made[:, dimensions // 2] += 1.0
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def filled(vectors):
    matrix = Matrix(vectors.shape[1])
    matrix.put([f"v{at}" for at in range(len(vectors))], vectors)
    return matrix


@pytest.mark.parametrize("dimensions", [2, 63, 64, 65, 300, 384])
@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("spread", [1.0, 0.02])
def test_it_finds_what_comparing_with_all_finds(dimensions, threshold, spread):
    """
    The same names in the same order, for vectors far apart and near each other.
    """
    vectors = unit_vectors(1000, dimensions, spread=spread)
    matrix = filled(vectors)

    for query in vectors[:20]:
        cosines = vectors @ query
        right = {f"v{at}" for at in np.flatnonzero(cosines >= threshold + 1e-5)}
        most = {f"v{at}" for at in np.flatnonzero(cosines >= threshold - 1e-4)}
        found = matrix.nearest(query, threshold=threshold, limit=1000)

        assert right <= {name for name, _ in found} <= most
        told = [cosine for _, cosine in found]
        assert told == sorted(told, reverse=True)
        assert all(abs(c - cosines[int(n[1:])]) < 1e-4 for n, c in found)


def test_the_nearest_come_first_up_to_a_limit():
    """
    The vector itself before all others.
    """
    vectors = unit_vectors(500, 100, spread=0.05)
    matrix = filled(vectors)

    found = matrix.nearest(vectors[7], threshold=0.0, limit=3)

    assert len(found) == 3
    assert found[0][0] == "v7"


def test_what_is_dropped_is_not_found_and_its_place_is_used_again():
    """
    Memory does not grow by coming and going.
    """
    vectors = unit_vectors(200, 32)
    matrix = filled(vectors)
    size = matrix.size
    for at in range(200):
        matrix.drop(f"v{at}")

    assert len(matrix) == 0
    assert matrix.nearest(vectors[0], threshold=-1.0, limit=9) == []
    matrix.put([f"w{at}" for at in range(200)], vectors)
    assert matrix.size == size
    assert matrix.nearest(vectors[3], threshold=0.999, limit=1)[0][0] == "w3"


def test_what_is_put_again_takes_the_others_place():
    """
    The old vector is found no more.
    """
    one, other = unit_vectors(2, 32)
    matrix = Matrix(32)
    matrix.put(["a"], one[np.newaxis])
    matrix.put(["a"], other[np.newaxis])

    assert len(matrix) == 1
    assert matrix.nearest(other, threshold=0.999, limit=1)[0][0] == "a"
    assert matrix.nearest(one, threshold=0.999, limit=1) == []


def test_a_search_looks_at_few_vectors_whole():
    """
    Ten thousand of 384 dimensions in a few milliseconds of one processor, at the very most.
    """
    vectors = unit_vectors(10_000, 384)
    matrix = filled(vectors)
    matrix.nearest(vectors[0], threshold=0.95, limit=8)

    begun = time.process_time()
    for query in vectors[:50]:
        matrix.nearest(query, threshold=0.95, limit=8)
    spent_ms = (time.process_time() - begun) * 1000 / 50

    assert spent_ms < 25
