"""Names that pages of well-known sites load beside their own: what an override for the site alone would forget."""

from collections.abc import Iterable
from typing import Final

from rules.name import DomainName, ancestors, is_at_or_below

# What their pages load pictures, scripts and films from; a hint for people, so a gap or an old line does no harm.
_COMPANIONS: Final[dict[str, tuple[str, ...]]] = {
    "amazon.co.uk": ("media-amazon.com", "ssl-images-amazon.com"),
    "amazon.com": ("media-amazon.com", "ssl-images-amazon.com"),
    "bbc.co.uk": ("bbci.co.uk", "bbc.com"),
    "dailymotion.com": ("dmcdn.net", "dm-event.net"),
    "deviantart.com": ("wixmp.com",),
    "ebay.co.uk": ("ebayimg.com", "ebaystatic.com"),
    "ebay.com": ("ebayimg.com", "ebaystatic.com"),
    "facebook.com": ("fbcdn.net", "facebook.net"),
    "flickr.com": ("staticflickr.com",),
    "github.com": ("githubassets.com", "githubusercontent.com"),
    "instagram.com": ("cdninstagram.com", "fbcdn.net"),
    "netflix.com": ("nflxvideo.net", "nflximg.net", "nflxext.com", "nflxso.net"),
    "pinterest.com": ("pinimg.com",),
    "reddit.com": ("redditstatic.com", "redditmedia.com", "redd.it"),
    "roblox.com": ("rbxcdn.com",),
    "soundcloud.com": ("sndcdn.com",),
    "spotify.com": ("scdn.co", "spotifycdn.com"),
    "steampowered.com": ("steamstatic.com", "steamcontent.com"),
    "ted.com": ("tedcdn.com",),
    "tiktok.com": ("tiktokcdn.com", "tiktokv.com"),
    "twitch.tv": ("ttvnw.net", "jtvnw.net"),
    "vimeo.com": ("vimeocdn.com",),
    "wikipedia.org": ("wikimedia.org",),
    "x.com": ("twimg.com", "t.co"),
    "youtube.com": ("googlevideo.com", "ytimg.com", "youtubei.googleapis.com", "ggpht.com"),
}


def companions_of(names: Iterable[DomainName]) -> tuple[DomainName, ...]:
    """Give what pages at these names are likely to need, without what is among them already."""
    asked = tuple(names)
    found = {
        DomainName(companion): None
        for name in asked
        for above in ancestors(name)
        for companion in _COMPANIONS.get(above, ())
    }
    return tuple(each for each in found if not any(is_at_or_below(each, name) for name in asked))
