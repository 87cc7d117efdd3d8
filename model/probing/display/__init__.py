"""How a probe's report is shown: tables, figure and page; ``tcae.model.probing.report`` writes them."""
