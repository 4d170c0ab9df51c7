"""Two simulated devices without any times."""

from expected import Plant, row

FOLDER = "mqtt_simulator"


@row(FOLDER, 1)
def test_objects_without_times(plant: Plant) -> None:
    """Integers widen to numbers within one type; the time of arrival counts."""
    lamp, air = plant.schema("lamp/1")["properties"], plant.schema("air_quality")["properties"]
    assert (lamp["temperature"]["type"][0], lamp["on"]["type"][0]) == ("number", "boolean")
    assert air["pollution_particles"]["type"][0] == "number"
    assert plant.arrived("lamp/1")
    assert plant.arrived("air_quality")
    assert len(plant.engine.browse.object_types()) < 20
