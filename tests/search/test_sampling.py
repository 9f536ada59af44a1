import pytest
from optuna.trial import TrialState, create_trial

from search.domain import Domain, Refusals
from search.sampling import Sampling
from search.space import Space, space
from tests.search.fakes import score
from trainables.knob import Knob
from trainables.methods import Axes

SAMPLERS = ("tpe", "gp", "nsga2", "cmaes", "random", "qmc")


def gmix():
    return space("g-mix", {"alpha": [0.1, 4.0], "rho": [0.01, 1.0]}, {}, Refusals())


def finite(*values):
    knob = Knob("every", search=(0, 0), default=values[0], legal=(0, 100), choices=values)
    return Space("mine", Axes(), {}, {"every": Domain(knob, min(values), max(values), values)})


def searched(sampling, count, objectives=2):
    """Points asked and told one by one."""
    found = []
    for number in range(count):
        point = sampling.propose(number)
        found.append(point.params)
        sampling.tell(number, TrialState.COMPLETE, [score(point.params), score(point.params) / 2][:objectives])
    return found


def recorded(number, params, values, state=TrialState.COMPLETE):
    trial = create_trial(state=state, values=values, params=params, distributions=gmix().distributions, user_attrs={"numbers": params})
    trial.number = number
    return trial


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same_points_and_another_seed_others(sampler):
    runs = [searched(Sampling(gmix(), sampler, 2, seed, 40), 11) for seed in (0, 0, 1)]
    assert runs[0] == runs[1]
    assert all(left != right for left, right in zip(runs[0], runs[2], strict=True))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_point_is_proposed_twice_and_all_lie_in_the_space(sampler):
    points = searched(Sampling(gmix(), sampler, 2, 0, 40), 12)
    assert len({tuple(point.values()) for point in points}) == 12
    assert all(0.1 <= point["alpha"] <= 4 and 0.01 <= point["rho"] <= 1 for point in points)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_that_is_opened_again_goes_on_as_if_it_had_never_been_closed(sampler):
    whole = Sampling(gmix(), sampler, 2, 3, 40)
    trials = []
    for number in range(11):
        point = whole.propose(number)
        values = [score(point.params), score(point.params) / 2]
        whole.tell(number, TrialState.COMPLETE, values)
        trial = recorded(number, point.params, values)
        trial.system_attrs = point.notes
        trials.append(trial)
    again = Sampling(gmix(), sampler, 2, 3, 40)
    again.learn(trials)
    for number in (11, 12):
        ahead, resumed = whole.propose(number), again.propose(number)
        assert resumed == ahead


def test_tpe_finds_what_chance_does_not():
    best = {name: max(map(score, searched(Sampling(gmix(), name, 2, 0, 40), 40)[20:])) for name in ("tpe", "random")}
    assert best["tpe"] > best["random"]
    assert best["tpe"] > 0.9


def test_what_is_in_flight_repels():
    sampling = Sampling(gmix(), "tpe", 2, 0, 40)
    searched(sampling, 12)
    points = [sampling.propose(number).params["rho"] for number in range(12, 20)]
    assert max(points) / min(points) > 1.5


def test_a_finite_space_is_tried_out_without_repeating_a_point():
    sampling = Sampling(finite(1.0, 2.0, 3.0), "random", 1, 0, 40)
    assert sorted(sampling.propose(number).params["every"] for number in range(3)) == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="no configuration left"):
        sampling.propose(3)


def test_trials_outside_a_narrowed_range_are_not_learnt_from_but_not_repeated_either():
    narrow = space("g-mix", {"alpha": [0.1, 1.0], "rho": 0.1}, {}, Refusals())
    sampling = Sampling(narrow, "tpe", 1, 0, 40)
    sampling.learn([recorded(0, {"alpha": 0.5, "rho": 0.1}, [0.5]), recorded(1, {"alpha": 3.0, "rho": 0.1}, [0.9])])
    assert sampling.known == 1


def test_pruned_points_are_told_apart_from_complete_ones():
    for objectives, rungs in ((1, {5: 0.4}), (2, {})):
        sampling = Sampling(gmix(), "tpe", objectives, 0, 40)
        for number in range(14):
            point = sampling.propose(number)
            if number % 2:
                sampling.tell(number, TrialState.PRUNED, None, rungs)
            else:
                sampling.tell(number, TrialState.COMPLETE, [score(point.params)] * objectives)
        assert sampling.propose(14).params["rho"] > 0
