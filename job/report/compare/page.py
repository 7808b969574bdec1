"""The comparison as one self-contained page: the table, and the variance curves together."""

from __future__ import annotations

from collections.abc import Sequence

from bokeh.embed import components
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter
from bokeh.palettes import Colorblind
from bokeh.plotting import figure
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined

from job.report.compare.outputs import Side
from job.report.compare.rows import ENOUGH, cumulative, rows_of
from job.report.figure_style import TEXT_TOOLTIP, empty_figure, place_legend, reference_line
from job.runtime.formatting import shortened

_DASHES = ("solid", "dashed", "dotted", "dotdash")
_COLOURS = Colorblind[8]
MOST_NAME_BYTES = 60


def render_page(sides: Sequence[Side]) -> str:
    """The whole page, with no reference to anything outside itself."""
    drawn = [side for side in sides if side.variance_curve]
    script, chart = components(curves(drawn)) if drawn else ("", "")
    environment = Environment(
        loader=PackageLoader("job.report.compare"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("compare.html.j2").render(
        outputs=[side.output for side in sides],
        rows=rows_of(sides),
        bokeh="\n".join(Resources(mode="inline", components=["bokeh"]).js_raw) if drawn else "",
        script=script,
        chart=chart,
    )


def curves(sides: Sequence[Side]) -> figure:
    """The cumulative explained variance of each side, over one another."""
    chart = empty_figure(
        x_axis_label="components",
        y_axis_label="explained variance",
        x_range=(0, 1.02 * max(len(side.variance_curve) for side in sides)),
        y_range=(0, 1.04),
        height=420,
    )
    for number, side in enumerate(sides):
        _draw(chart, side, number)
    chart.add_layout(reference_line(ENOUGH, "width"))
    chart.yaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    place_legend(chart, "bottom_right")
    return chart


def _draw(chart: figure, side: Side, number: int) -> None:
    kept = cumulative(side)
    name = f"{side.fingerprint.get('backbone', '')}  {shortened(side.output, MOST_NAME_BYTES)}"
    source = ColumnDataSource({"n": list(range(1, len(kept) + 1)), "kept": kept})
    line = chart.line(
        "n",
        "kept",
        source=source,
        legend_label=name.strip(),
        line_width=2.5,
        color=_COLOURS[number % len(_COLOURS)],
        line_dash=_DASHES[number % len(_DASHES)],
    )
    said = "first <strong>@n{0,0}</strong>: @kept{0.0 %}"
    chart.add_tools(HoverTool(renderers=[line], tooltips=TEXT_TOOLTIP.format(said)))
