"""Neural networks for data with missing values, as scikit-learn estimators.

Importing sksn imports neither torch nor skorch. What ``__init__.pyi`` lists loads on first use.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
