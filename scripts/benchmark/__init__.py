"""What Huzheng costs, in time, gas, memory and disk: figures as ratios to a limit measured in the same run."""
