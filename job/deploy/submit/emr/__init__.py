"""Submits and watches runs on EMR on EKS."""
