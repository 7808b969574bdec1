"""The comparison as one self-contained page: the table and the variance curves."""

from __future__ import annotations

from collections.abc import Sequence

from bokeh.embed import components
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter
from bokeh.palettes import Colorblind
from bokeh.plotting import figure
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined

from job.report.compare.outputs import ComparedOutput
from job.report.compare.rows import TARGET_SHARE, build_rows, cumulative_variance
from job.report.figure_style import TEXT_TOOLTIP, empty_figure, place_legend, reference_line
from job.runtime.formatting import truncate_middle

_DASHES = ("solid", "dashed", "dotted", "dotdash")
_COLOURS = Colorblind[8]
MAX_NAME_BYTES = 60


def render_page(outputs: Sequence[ComparedOutput]) -> str:
    """The whole page as HTML, without external references."""
    with_curve = [output for output in outputs if output.variance_curve]
    script, chart = components(variance_curves(with_curve)) if with_curve else ("", "")
    bokeh = Resources(mode="inline", components=["bokeh"]).js_raw if with_curve else []
    environment = Environment(
        loader=PackageLoader("job.report.compare"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("compare.html.j2").render(
        outputs=[output.output for output in outputs],
        rows=build_rows(outputs),
        bokeh="\n".join(bokeh),
        script=script,
        chart=chart,
    )


def variance_curves(outputs: Sequence[ComparedOutput]) -> figure:
    """The cumulative explained variance of all outputs in one figure."""
    chart = empty_figure(
        x_axis_label="components",
        y_axis_label="explained variance",
        x_range=(0, 1.02 * max(len(output.variance_curve) for output in outputs)),
        y_range=(0, 1.04),
        height=420,
    )
    for number, output in enumerate(outputs):
        _draw_curve(chart, output, number)
    chart.add_layout(reference_line(TARGET_SHARE, "width"))
    chart.yaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0")
    place_legend(chart, "bottom_right")
    return chart


def _draw_curve(chart: figure, output: ComparedOutput, number: int) -> None:
    kept = cumulative_variance(output)
    backbone = output.fingerprint.get("backbone", "")
    name = f"{backbone}  {truncate_middle(output.output, MAX_NAME_BYTES)}"
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
    tooltip = "first <strong>@n{0,0}</strong>: @kept{0.0 %}"
    chart.add_tools(HoverTool(renderers=[line], tooltips=TEXT_TOOLTIP.format(tooltip)))
