"""Results come in order, a few computed early."""

from concurrent.futures import ThreadPoolExecutor

from model.data.prefetch import prefetch


def test_results_keep_their_order_and_only_a_few_are_computed_early():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as pool:
        results = prefetch(pool, lambda number: number**2, items(), ahead=3)
        assert next(results) == 0
        assert taken == [0, 1, 2, 3]
        assert list(results) == [number**2 for number in range(1, 10)]
