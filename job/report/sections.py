"""The sections of the report, in order.

To add a section, add an entry here, a module with `build` (and `read`, if it shows files of other
commands), and the template `templates/sections/<id>.html.j2`.
"""

from __future__ import annotations

from job.report import (
    classes_section,
    classifier_section,
    cluster_section,
    cost_section,
    drift_section,
    plane_section,
    provenance_section,
    quarantine_section,
    speed_section,
    storage_section,
    variance_section,
)
from job.report.page import Section

SECTIONS = (
    Section("plane", "Images on planes", plane_section.build),
    Section("variance", "Variance explained", variance_section.build),
    Section("classes", "Classes", classes_section.build),
    Section(cluster_section.ID, "Clusters", cluster_section.build, cluster_section.read),
    Section(
        classifier_section.ID, "Classifiers", classifier_section.build, classifier_section.read
    ),
    Section("drift", "Drift of new images", drift_section.build, drift_section.read),
    Section("quarantine", "Quarantine", quarantine_section.build),
    Section("storage", "Storage", storage_section.build),
    Section("speed", "Speed", speed_section.build),
    Section("cost", "Cost", cost_section.build),
    Section("provenance", "Provenance", provenance_section.build),
)
