"""Makes the fonts of ledger_service/certificate/fonts out of Noto Sans SC (SIL Open Font License 1.1).

    npm pack @expo-google-fonts/noto-sans-sc@0.4.3 && tar xzf expo-google-fonts-noto-sans-sc-0.4.3.tgz
    python -m scripts.make_fonts package

The regular weight keeps the characters of GBK (simplified and traditional Chinese), those beyond the basic plane, and
those of Extension A that stand in the table of general standard characters (通用规范汉字表), so that names can be
written. The bold one, in which only the program's own words are set, keeps GB 2312. What lays out text in other
scripts is left out. The same files come out each time.
"""

import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

from fontTools import subset

FONTS = Path(__file__).resolve().parent.parent / "ledger_service" / "certificate" / "fonts"
REGULAR = "400Regular/NotoSansSC_400Regular.ttf"
BOLD = "700Bold/NotoSansSC_700Bold.ttf"
SOURCES = {
    REGULAR: "d45f67f0a7c0ca3f256950777ce6a61cc7ce5f9696d02900cbbaac25f8aa7d16",
    BOLD: "9a38ae0ab28cd5a256f9ea8e00dedc688aac17f7915fcb000572990afa956b96",
}
NAMES_BEYOND_GBK = (
    "㑇㑊㕮㘎㙍㙘㙦㛃㛚㛹㟃㠇㠓㤘㥄㧐㧑㧟㫰㬊㬎㬚㭎㭕㮾㰀㳇㳘㳚㴔㵐㶲㸆㸌㺄㻬㽏㿠䁖䂮䃅䃎䅟䌹䎃䎖䏝䏡䏲䐃"
    "䓖䓛䓨䓫䓬䗖䗛䗪䗴䜣䝙䢺䢼䣘䥽䦃䲟䲠䲢䴓䴔䴕䴖䴗䴘䴙䶮"
)
LEFT_OUT = ["BASE", "GDEF", "GPOS", "GSUB", "MVAR", "STAT", "VORG", "gasp", "vhea", "vmtx"]


def characters_of(encoding: str) -> set[int]:
    """The characters of the basic plane that an encoding has."""
    return {number for number in range(0x20, 0x10000) if _encodes(chr(number), encoding)}


def _encodes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def make(source: Path, target: Path, wanted: Iterable[int]) -> None:
    """Write the font with only the wanted characters, as far as the source has them."""
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.drop_tables += LEFT_OUT
    options.notdef_outline = True
    options.name_IDs = ["*"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font.recalcTimestamp = False
    subset.save_font(font, target, options)


def main(folder: Path) -> None:
    """Make both weights out of an unpacked package, and take its licence along."""
    for name, digest in SOURCES.items():
        if sha256((folder / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{folder / name} is not the file of version 0.4.3; unpack that")
    beyond = set(range(0x20000, 0x40000)) | set(map(ord, NAMES_BEYOND_GBK))
    make(folder / REGULAR, FONTS / "NotoSansSC-Regular.ttf", characters_of("gbk") | beyond)
    make(folder / BOLD, FONTS / "NotoSansSC-Bold.ttf", characters_of("gb2312") | set(map(ord, "—·–")))
    copyfile(folder / "LICENSE_FONT", FONTS / "OFL.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
