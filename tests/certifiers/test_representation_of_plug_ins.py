"""Representations of certifiers and votes are constructor calls."""

import pytest

from smoothing import certifiers, guarantees, votes

CALLS = [
    "BerryEsseen(guarantee=NeymanPearson())",
    "Chernoff(guarantee=KL(), classifier='majority')",
    "ClopperPearson(guarantee=NeymanPearson(), n0=50, n=1000, alpha=0.01, two_sided=True, joint=3)",
    "RandomisedClopperPearson(guarantee=KL())",
    "Staged(target=0.5, stages=[100, 1000], shares=[1, 2], guarantee=NeymanPearson())",
    "Sequential(radii=[0, 0.5], guarantee=NeymanPearson(), max_draws=1000)",
    "Prediction(n=500)",
    "Empirical(n=10)",
    "Enumeration(guarantee=NeymanPearson())",
    "ExactVote()",
    "ExactVote(sets=True)",
    "JointNaming()",
    "Plurality()",
    "RunOff()",
    "WhiteBox()",
    "Bagging(learner=Ridge(regularisation=Relative(factor=1.0)))",
    "ClassSum(bandwidth=2.0, transforms=[Centre(), PCA(components=3, whiten=True)])",
    "Clusters(num_clusters=2, naming='jointly', seed=4)",
    "JointClusters(restarts=3)",
    "KernelRidge(kernel=NTK(depth=2, bias_std=0.1), regularisation=Constant(value=2.0), transforms=[Normalise()])",
    "KernelRidge(kernel=RBF(bandwidth=2.0), regularisation=Relative(factor=1.0), coding='binary')",
    "LogisticHead(penalty=0.1)",
    "NearestNeighbours(neighbours=3, transforms=[Normalise()])",
    "Partitions(learner=Centroids(), parts=3, spread=2, partition=ByHash())",
    "Ridge(regularisation=Constant(value=2.0), coding='binary')",
    "Ridge(regularisation=RosenfeldRule(q=0.1))",
]


@pytest.mark.parametrize("call", CALLS)
def test_the_representation_is_the_call(call: str) -> None:
    names = {name: getattr(room, name) for room in (guarantees, votes, certifiers) for name in room.__all__}
    assert repr(eval(call, names)) == call


def test_every_certifier_and_vote_is_in_the_list() -> None:
    exported = [getattr(room, name) for room in (certifiers, votes) for name in room.__all__]
    concrete = {
        kind.__name__
        for kind in exported
        if isinstance(kind, type) and issubclass(kind, certifiers.Certifier | votes.Votes)
        if not kind.__abstractmethods__
    }
    # These take networks, classifiers and learners, which are not constructed from the names above.
    others = {"NetworkVotes", "RetrainedVotes", "SklearnVotes", "TrainedPartitions"}
    assert concrete - {call.partition("(")[0] for call in CALLS} == others
