"""Who looks at what with which browser: the texts that the lines of a sample are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

_PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{minor}.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{small}.{minor} Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{major}.0) Gecko/20100101 Firefox/{major}.{minor}",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {small}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{small}.0 Mobile/15E148"
    " Safari/604.1",
    "Mozilla/5.0 (Linux; Android {small}; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{minor}.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android {small}; SM-T870) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{minor}.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{minor}.0 Safari/537.36",
    "ShopApp/{small}.{major}.{minor}",
)
_BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    "python-requests/2.31.0",
    "curl/8.4.0",
)
_REFERRERS = ("https://www.google.com/", "https://news.example.org/today", "https://mail.example.net/inbox?id=7", "https://social.example.com/p/1")
EVENT_TYPES = ("page_view", "click", "search", "scroll", "add_to_cart", "checkout", "purchase", "heartbeat")
TYPE_SHARES = (0.52, 0.22, 0.08, 0.06, 0.06, 0.04, 0.02)  # of all but heartbeats


@dataclass(frozen=True)
class World:
    """Texts by number. Of the agents the first `people` are people, the others programs."""

    agents: pl.Series
    people: int
    pages: pl.Series
    assets: pl.Series
    referrers: pl.Series
    types: pl.Series

    @classmethod
    def make(cls, agents: int) -> World:
        """The same for every seed."""
        people = [
            _PEOPLE[n % len(_PEOPLE)].format(major=90 + n // len(_PEOPLE) % 40, small=11 + n // 7 % 7, minor=n // len(_PEOPLE) // 40)
            for n in range(agents)
        ]
        products = [f"/products/{kind}/{number}" for number in range(400) for kind in ("laptops", "phones", "books", "garden", "toys")]
        pages = ["/", "/search?q=gift", "/cart", "/checkout", *products, *(f"{p}?utm_source=mail" for p in products[:200])]
        assets = [f"/static/{n}.{kind}" for n in range(50) for kind in ("css", "js", "png", "svg")]
        return cls(pl.Series([*people, *_BOTS]), len(people), pl.Series(pages), pl.Series(assets), pl.Series(_REFERRERS), pl.Series(EVENT_TYPES))

    def draw_agents(self, rng: np.random.Generator, size: int, bots: float) -> np.ndarray:
        """Numbers of agents, so many of them programs."""
        human = (rng.random(size) ** 2 * self.people).astype(np.int64)  # few agents are common, most are rare
        return np.where(rng.random(size) < bots, rng.integers(self.people, len(self.agents), size), human)
