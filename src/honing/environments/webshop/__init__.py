"""WebShop over the user's own product and goal files, or over a running WebShop site. See
docs/environments.md."""

from honing.environments.webshop.made import write_made_up_files
from honing.environments.webshop.world import WebShopOptions, WebShopWorld

__all__ = ["WebShopOptions", "WebShopWorld", "write_made_up_files"]
