"""What tests of the gateway share: meshes, requests, models that are made up."""
