"""What tests of interoperability share: other people's software installed aside, servers started and ended, results kept."""
