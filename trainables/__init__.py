"""What a training run is: methods, nets, data and the engine, in torch and numpy."""
