import pytest

from tests.e2e.cluster import images

OF_CLUSTER = [tag for recipe in images.CORE for tag in recipe.tags]
OF_SUITE = [*images.AGNHOST, *images.BUSYBOX, *images.GNU_TOOLS]


def test_an_image_that_kubeadm_wants_and_nobody_makes_is_named() -> None:
    images.check(OF_CLUSTER)
    with pytest.raises(ValueError, match=r"coredns:v9\.9\.9"):
        images.check([*OF_CLUSTER, "registry.k8s.io/coredns/coredns:v9.9.9"])


def test_another_kubernetes_finds_its_images_under_the_names_that_it_asks_for() -> None:
    for one in images.OTHERS:
        wanted = (f"etcd:{one.etcd}", f"coredns/coredns:{one.coredns}", f"pause:{one.pause}")
        images.check(f"registry.k8s.io/{name}" for name in wanted)


@pytest.mark.parametrize("image", OF_SUITE)
def test_an_image_that_is_made_for_a_suite_which_has_another_version_of_it_is_named(image: str) -> None:
    images.check_suite(OF_SUITE)
    with pytest.raises(ValueError, match=image):
        images.check_suite(one for one in OF_SUITE if one != image)
