"""Finding the bundle and the halting policy that meet a wish: fast enough, or accurate enough."""
