"""What several formats of test reports share: cases, their columns, the words of JUnit."""
