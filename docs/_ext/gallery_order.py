"""The order of the examples in the gallery: from what SN is to what one does with it."""

from __future__ import annotations

ORDER = (
    "what_sn_does",
    "choosing_power",
    "mixed_table",
    "calibration",
    "intervals",
    "does_the_number_matter",
    "watching_training",
    "saving_and_loading",
    "completing_a_matrix",
    "ratings_to_lists",
    "new_people",
    "sparse_text",
    "single_cells",
    "missing_pixels",
    "own_network",
)


class GalleryOrder:
    """A key that sorts examples as in ORDER; those that it lacks come last."""

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return the place of an example."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    def __repr__(self) -> str:
        return "GalleryOrder"
