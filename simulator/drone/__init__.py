"""The quad: body, gimbal, camera and behaviours."""
