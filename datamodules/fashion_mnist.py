"""Fashion-MNIST."""

import gzip
import zlib
from collections.abc import Mapping
from typing import ClassVar

import torchvision
from torchvision.datasets.utils import check_integrity

from datamodules.mnist import MNIST

ARCHIVES = {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}
"""MD5 of the published gzip files (Xiao et al. 2017)."""


class FashionMNIST(MNIST):
    """Images of clothing: 60,000 training and 10,000 test images of 28 x 28 pixels (Xiao et al. 2017).

    The arguments are the same as those of `MNIST`. The files are in ``FashionMNIST/raw``. Checksums are published for
    the gzip files only. The gzip files must therefore be in the same folder, as after a download, and have the same
    content as the unpacked files.
    """

    source = "FashionMNIST"
    layout = f"FashionMNIST/raw/{{{','.join(f'{name}.gz' for name in ARCHIVES)}}}"
    archive = torchvision.datasets.FashionMNIST
    published: ClassVar[Mapping[str, str]] = ARCHIVES

    def _check(self, name: str, md5: str) -> None:
        path, packed = self._raw / name, self._raw / f"{name}.gz"
        self._check_readable(path)
        self._check_readable(packed)
        if not check_integrity(packed, md5):
            raise ValueError(f"{self.source}: {packed}; its MD5 must be {md5}, that of the published file")
        try:
            content = gzip.decompress(packed.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{self.source}: {packed}; must be a complete gzip file: {error}") from error
        if path.read_bytes() != content:
            raise ValueError(f"{self.source}: {path}; must have the content of {packed.name}")
