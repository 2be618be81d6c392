"""The quad: body, gimbal and behaviours."""
