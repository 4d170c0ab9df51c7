"""What holds for whole models: kinds that no row of a table names are of one type, with a good name; types are few."""

import pytest
import recordings
from expected import settled

WATER = "abelara/plant1/utilities/water-system"
FAB = "umh/v1/metalfab"

pytestmark = pytest.mark.skipif(
    not recordings.shared_folders(), reason=f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES"
)


@pytest.mark.parametrize(
    ("folder", "pattern", "name"),
    [
        *[
            pytest.param("abelara_payload_examples", f"{WATER}/.*-[0-9]+/{aspect}", aspect.title(), id=aspect)
            for aspect in ("state", "product", "production")
        ],
        *[
            pytest.param("abelara_payload_examples", f"{WATER}/[a-z-]+/{topic}", name, id=name)
            for topic, name in (
                ("pump-[0-9]+/alert", "Alert"),
                ("tank-[0-9]+/alert", "TankAlert"),
                ("pump-[0-9]+/asset", "PumpAsset"),
                ("tank-[0-9]+/asset", "TankAsset"),
            )
        ],
        pytest.param("metalfab", f"{FAB}/.*_[0-9]+/Asset", "Asset", id="assets of machines"),
        pytest.param("metalfab", f"{FAB}/.*_[0-9]+/Line/OEE", "OEE", id="one OEE for all machines"),
        pytest.param("metalfab", f"{FAB}/.*_[0-9]+/Dashboard/OEE", "DashboardOEE", id="OEE documents"),
        pytest.param("metalfab", f"{FAB}/.*/MES/Quality/.*", "QualityItem", id="a collection"),
        pytest.param("metalfab", f"{FAB}/.*/_dpp/passports/DPP-[0-9-]+/summary", "Summary", id="passports"),
        pytest.param("packml", "Bathurst/.*/Status/Parameter/[01]", "ParameterItem", id="parameters"),
        pytest.param("pitfalls", "acme/plant/line3/pump0[1-6]/telemetry", "Telemetry", id="telemetry"),
        pytest.param("pitfalls", "acme/plant/orders/ORD-[0-9]+", "ORD", id="orders"),
        pytest.param("sparkplug", "spBv1.0/.*/Zone [1-4]", "Zone", id="zones"),
    ],
)  # fmt: skip
def test_one_type(folder: str, pattern: str, name: str) -> None:
    """Equipment and documents of a kind share one type, named as a person would."""
    assert settled(folder).names(pattern) == {name}


@pytest.mark.parametrize(
    ("folder", "most"),
    [
        pytest.param("metalfab", 330, id="metalfab: 6,100 elements"),
        pytest.param("abelara_payload_examples", 150, id="abelara: 830 elements"),
        pytest.param("innovaas_cnc", 50, id="innovaas: 136 of them topics without levels"),
    ],
)  # fmt: skip
def test_types_are_few(folder: str, most: int) -> None:
    """Types are shared: no type for each tag, order or material."""
    assert len(settled(folder).engine.space.registry.by_id) <= most
