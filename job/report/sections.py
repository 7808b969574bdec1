"""The sections of the report in their order: one more section is one more entry.

An entry needs a module with `show` (and `read`, where it shows what other commands have left in
the output) and the template `templates/sections/<id>.html.j2`.
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
    Section("plane", "Images on planes", plane_section.show),
    Section("variance", "Variance explained", variance_section.show),
    Section("classes", "Classes", classes_section.show),
    Section(cluster_section.ID, "Clusters", cluster_section.show, cluster_section.read),
    Section(classifier_section.ID, "Classifiers", classifier_section.show, classifier_section.read),
    Section("drift", "Drift of new images", drift_section.show, drift_section.read),
    Section("quarantine", "Quarantine", quarantine_section.show),
    Section("storage", "Storage", storage_section.show),
    Section("speed", "Speed", speed_section.show),
    Section("cost", "Cost", cost_section.show),
    Section("provenance", "Provenance", provenance_section.show),
)
