"""Runs on EMR on EKS: a virtual cluster asked by boto3, with its standard configuration."""
