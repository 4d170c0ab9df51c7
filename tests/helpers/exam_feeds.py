"""An exam of message kinds as public feeds publish them: `domain/country/provider/feed/…/{id}/kind`.

Feeds of one domain have similar messages that are not the same: `info` of one network has other keys than `info` of
another. Inside a feed there are reference data beside observations, parameters that differ in a few fields, market
series that differ in one, phases of an event that share all fields, tables whose rows are the last level, and
catalogues that share even the pattern of their topics. No payload says what it is; most repeat, in their own
spelling, what the topic says of which one it is about.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exam import Exam, Paper
from exam_fields import Field, fields, fill, pick, styled

COUNT = 507
_PLAIN_READINGS = 0.08  # share of the observations that are nothing but key, time, value and unit
_SILENT = 0.15  # share of the templates that do not repeat the level of their group
_GROUP_KEYS = ("region", "water_body", "road", "line_ref", "area_name")
_GROUPS = ("North", "Rhein", "A81", "Line 4", "Upper Valley", "B27", "Baltic Sea", "South-West")
_TOPICS = (2, 6)  # of one template
_MESSAGES = 3  # on one topic

_COUNTRIES = ("de", "fi", "no", "fr", "uk", "us", "ca", "ch", "jp", "au", "pl", "cz")
_SYLLABLES = ("ba", "do", "fu", "hy", "ka", "lo", "mer", "nor", "pe", "ra", "sta", "tra", "vi", "wa", "zen", "gra")
_REFERENCE = ("name", "region", "operator", "country", "latitude", "longitude", "altitude", "status", "type", "url",
              "description", "valid_from", "valid_until", "category", "time_zone", "source")  # fmt: skip
_REFERENCE_NAMES = ("info", "info", "info", "station", "metadata", "site", "reference")
_READING_NAMES = ("observation", "observation", "reading", "measurement", "latest", "current")
_DOMAINS = {  # domain → what it watches, what it measures, what happens there
    "hydro": ("station", "water_level discharge flow_rate water_temperature trend stage storage_volume inflow outflow "
              "gauge_zero low_water high_water mean_water forecast_level warning_level alarm_level river_km salinity",
              "flood low_flow ice_jam"),
    "weather": ("station", "air_temperature dew_point humidity pressure wind_speed wind_direction gust rain_rate "
                "snow_depth sunshine cloud_cover visibility radiation_global soil_temperature ground_frost uv_index",
                "storm frost heat fog"),
    "air-quality": ("site", "pm10 pm25 no2 o3 so2 co benzene index_value black_carbon nh3 sample_count averaging_hours "
                    "valid exceedance_count", "episode smoke"),
    "radiation": ("probe", "dose_rate cosmic_part terrestrial_part sensor_age temperature rain_flag period_seconds "
                  "background alarm_limit", "exceedance"),
    "traffic": ("segment", "speed_average vehicle_count occupancy travel_time free_flow lanes_total closed_lanes "
                "heavy_share delay_seconds length_m jam_factor detour_url", "roadwork closure warning accident"),
    "maritime": ("vessel", "mmsi sog cog heading draught destination_name eta_time rate_of_turn nav_status imo_number "
                 "call_sign ship_type raim_flag position_accuracy", "arrival departure grounding"),
    "transit": ("vehicle", "trip_id route_ref delay_seconds stop_ref occupancy_status bearing speed headsign_name "
                "operating_date direction_ref line_ref journey_ref door_open congestion_level", "disruption strike"),
    "energy": ("area", "price load_mw forecast_mw margin_mw currency_code resolution_code document_type psr_type "
               "business_type position_index quantity generation_mw capacity_mw unavailable_mw", "outage congestion"),
    "seismology": ("network", "magnitude depth_km intensity rms gap nearest_station phase_count azimuth error_km "
                   "felt_count tsunami_flag event_type", "aftershock quake"),
    "aviation": ("airport", "runway_ref ceiling_ft visual_range qnh temperature dew_point wind_kt squawk altitude_ft "
                 "ground_speed vertical_rate callsign_ref", "notam sigmet"),
    "parking": ("facility", "free_spaces capacity_total trend_code queue_length price_level charging_free height_limit "
                "is_open disabled_free", "full closure"),
    "health": ("region", "cases_total incidence beds_free icu_total tests_total positivity hospital_rate week_number "
               "variant_share", "outbreak"),
}  # fmt: skip
_SERIES = ("resolution_code", "currency_code", "position_index")
_CATALOGUED = ("product_type", "range_km", "variable_name", "run_time", "grid_index", "band_code", "level_count")
_PHASES = ("appeared", "updated", "resolved")
_TABLES = ("agency", "routes", "stops", "trips", "shapes", "transfers", "calendar", "fare-products", "fare-media",
           "levels", "pathways", "networks", "areas", "attributions", "frequencies", "booking-rules")  # fmt: skip


@dataclass(frozen=True)
class Template:
    """A message kind: `pattern` has placeholders in braces, which `ids` fill in; `keys`: fields that say the same."""

    name: str
    pattern: str
    fields: tuple[Field, ...]
    ids: tuple[dict[str, str], ...]
    keys: dict[str, str]


class Feed:
    """What one provider publishes."""

    def __init__(self, source: random.Random, number: int) -> None:
        self._source = source
        domain = list(_DOMAINS)[number % len(_DOMAINS)]
        watched, measured, happens = _DOMAINS[domain]
        self._measured, self._happens = measured.split(), happens.split()
        provider, feed = (f"{''.join(source.sample(_SYLLABLES, 2))}" for _ in range(2))
        self._root = f"{domain}/{source.choice(_COUNTRIES)}/{provider}/{feed}-{domain.split('-')[0]}"
        self._name = f"{provider}.{feed}.{number}"
        self._key = source.choice((f"{watched}_id", f"{watched}_id", f"{watched}_code", "identifier", f"{feed}_ref"))
        self._style = source.choice(("snake", "snake", "snake", "snake", "camel"))
        self._grouped = source.random() < 0.5  # whether a level of regions, rivers or lines comes before the identity
        self._group_key, self._groups = source.choice(_GROUP_KEYS), source.sample(_GROUPS, 3)
        self._things = tuple(self._identity(letters=source.random() < 0.5) for _ in range(_TOPICS[1]))
        self._own = [f"{feed}_{word}" for word in ("quality", "rank", "area_code", "grade", "zone_ref", "index")]

    def _identity(self, *, letters: bool) -> dict[str, str]:
        source = self._source
        name = "".join(source.sample(_SYLLABLES, 3)) if letters else str(source.randrange(10_000, 99_999_999))
        return {"id": name, "group": source.choice(self._groups), "row": str(source.randrange(9999))}

    @property
    def _place(self) -> str:
        return f"{self._root}/{'{group}/' if self._grouped else ''}{{id}}"

    def _template(self, name: str, pattern: str, required: Sequence[str], others: Sequence[str]) -> Template:
        made = styled(fields(self._source, required, others), self._style)
        return self._with(name, pattern, made)

    def _with(self, name: str, pattern: str, made: tuple[Field, ...]) -> Template:
        source = self._source
        keys = {made[0].key: "row" if "{row}" in pattern else "id"}
        if "{group}" in pattern and source.random() >= _SILENT:
            (group,) = styled((Field(self._group_key),), self._style)
            keys[group.key] = "group"
            made = (made[0], group, *(one for one in made[1:] if one.key != group.key))
        return Template(f"{self._name}.{name}", pattern, made, self._things[: source.randint(*_TOPICS)], keys)

    def templates(self) -> Iterator[Template]:
        """Reference data and observations, then what else such a feed has."""
        source = self._source
        reference = pick(source, _REFERENCE, source.randint(4, 12)) + pick(source, self._own, 2)
        yield self._template("info", f"{self._place}/{source.choice(_REFERENCE_NAMES)}", (self._key,), reference)
        yield self._observation()
        yield from source.choice((self._parameters, self._series, self._events, self._tables, self._rest, self._rest))()

    def _observation(self) -> Template:
        source = self._source
        name = source.choice((*_READING_NAMES, self._measured[0].replace("_", "-")))
        if source.random() < _PLAIN_READINGS:
            plain = styled((Field(self._key), Field("timestamp"), Field("value"), Field("unit")), self._style)
            return self._with("reading", f"{self._place}/{name}", plain)
        others = pick(source, self._measured, source.randint(3, 10)) + pick(source, self._own, source.randint(0, 3))
        clock = source.choice(("timestamp", "observed_at", "measurement_time", "valid_at"))
        return self._template("observation", f"{self._place}/{name}", (self._key, clock), others)

    def _parameters(self) -> Iterator[Template]:
        """One message for each group of parameters: the same head, two to four fields of their own."""
        head = (self._key, "station_name", "timestamp", "quality_level")
        for word in pick(self._source, self._measured, self._source.randint(4, 8)):
            own = (word, f"{word}_min", f"{word}_max")[: self._source.randint(1, 3)]
            yield self._template(word, f"{self._place}/{word.replace('_', '-')}-10min", head, own)

    def _series(self) -> Iterator[Template]:
        """Market series: seven fields in common, and one or two of their own."""
        head = (self._key, "document_type", "period_from", "period_until", *_SERIES)
        for word in pick(self._source, self._measured, self._source.randint(4, 9)):
            own = (word, f"{word}_unit")[: self._source.randint(1, 2)]
            yield self._template(word, f"{self._root}/by-area/{{id}}/{word.replace('_', '-')}", head, own)

    def _events(self) -> Iterator[Template]:
        """Phases of what happens, all with the same fields; the kind is in the last level, or before the identity."""
        head = ("identifier", "title_name", "is_blocked", "start_time")
        made = styled(fields(self._source, head, pick(self._source, _REFERENCE, 7)), self._style)
        listed = (*made, Field("impacts", inner=(Field("lane_code"), Field("share", nullable=True)), listed=True))
        behind = self._source.random() < 0.6
        for kind in self._happens:
            for phase in _PHASES:
                pattern = f"{{group}}/{{id}}/{kind}-{phase}" if behind else f"{{group}}/{kind}/{{id}}/{phase}"
                yield self._with(f"{kind}.{phase}", f"{self._root}/{pattern}", listed)

    def _tables(self) -> Iterator[Template]:
        """Static tables: the row is the last level."""
        words = [*_REFERENCE, *self._own, *self._measured]
        for table in pick(self._source, _TABLES, self._source.randint(6, 14)):
            own = self._source.sample(words, self._source.randint(3, 8))
            yield self._template(table, f"{self._root}/static/{table}/{{row}}", (f"{table.replace('-', '_')}_id",), own)

    def _rest(self) -> Iterator[Template]:
        """An alert, a forecast with nested steps, and two catalogues on one pattern of topics."""
        source = self._source
        alert = ("identifier", "severity_level", "sent_at", "expires_at")
        place = f"alerts/{self._root.split('/', 1)[1]}/{{group}}/severe/{{id}}/alert"
        yield self._template("alert", place, alert, pick(source, _REFERENCE, 6))
        steps = Field("steps", inner=fields(source, ("valid_at",), pick(source, self._measured, 4)), listed=True)
        head = styled((Field(self._key), Field("issued_at")), self._style)
        yield self._with("forecast", f"{self._place}/forecast", (*head, steps))
        for kind in ("radar", "model"):
            own = (*source.sample(self._own, 2), *source.sample(_CATALOGUED, 3))
            head = ("row_id", "file_count", "updated_at")
            yield self._template(f"catalog.{kind}", f"{self._root}/catalogs/{kind}-{{row}}/catalog", head, own)


def feeds(count: int = COUNT, seed: int = 507) -> Exam:
    """So many templates, each on two to six topics with up to three messages."""
    return _exam("feeds", count, seed, repeating=True)


def silent_feeds(count: int = COUNT, seed: int = 507) -> Exam:
    """The same with payloads that repeat nothing of what their topics say: which levels vary shows only in the tree."""
    return _exam("silent feeds", count, seed, repeating=False)


def _exam(name: str, count: int, seed: int, *, repeating: bool) -> Exam:
    source, paper, number, written = random.Random(seed), Paper(name), 0, 0
    taken: set[str] = set()
    while written < count:
        for template in Feed(source, number).templates():
            topics = {_topic(template, ids) for ids in template.ids}
            if written < count and len(topics) > 1 and taken.isdisjoint(topics):
                taken.update(topics)
                written += 1
                _publish(source, paper, template, repeating=repeating)
        number += 1
    return paper.exam()


def _topic(template: Template, ids: Mapping[str, str]) -> str:
    return template.pattern.format(**{name: said.lower().replace(" ", "-") for name, said in ids.items()})


def _publish(source: random.Random, paper: Paper, template: Template, *, repeating: bool) -> None:
    for ids in template.ids:
        known = {key: ids[name] for key, name in template.keys.items()} if repeating else {}
        for second in range(source.randint(1, _MESSAGES)):
            payload = fill(source, template.fields, known, second)
            paper.say(_topic(template, ids), json.dumps(payload), template.name)
