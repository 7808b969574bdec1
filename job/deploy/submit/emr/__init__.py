"""Runs on EMR on EKS."""
